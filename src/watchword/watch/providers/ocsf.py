from watchword.watch.providers.okta import OKTA
import msgspec
OCSF = msgspec.structs.replace(OKTA, name="ocsf")
