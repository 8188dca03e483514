from watchword.watch.providers.okta import OKTA
import msgspec
GOOGLE = msgspec.structs.replace(OKTA, name="google")
