from accounts.useragent import UserAgent as UserAgent
from accounts.useragent import read as read
