from watchword.watch.providers.okta import OKTA
import msgspec
WINDOWS = msgspec.structs.replace(OKTA, name="windows")
