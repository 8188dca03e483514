from watchword.watch.providers.okta import OKTA
import msgspec
ECS = msgspec.structs.replace(OKTA, name="ecs")
