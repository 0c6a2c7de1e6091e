"""Tables, their limits and named constraints, and questions that need no database."""

from sqlalchemy.orm import configure_mappers

from models.action import Action
from models.change import Change
from models.customer import Customer, Identity
from models.customer_word import CustomerWord
from models.import_ import Import
from models.password_reset import PasswordReset
from models.purchase import Purchase
from models.shop import Shop
from models.token import ApiToken
from models.try_ import Try
from models.user import Author, User, UserSession

__all__ = [
    "Action",
    "ApiToken",
    "Author",
    "Change",
    "Customer",
    "CustomerWord",
    "Identity",
    "Import",
    "PasswordReset",
    "Purchase",
    "Shop",
    "Try",
    "User",
    "UserSession",
]

configure_mappers()  # now, and not for the first who asks
