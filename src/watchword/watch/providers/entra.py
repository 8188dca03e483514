from watchword.watch.providers.okta import OKTA
import msgspec
ENTRA = msgspec.structs.replace(OKTA, name="entra")
