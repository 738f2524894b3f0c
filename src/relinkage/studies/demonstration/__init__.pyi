from .demonstrating import demo as demo
from .settings import DemoSettings as DemoSettings
from .settings import check_demo as check_demo
