"""Tables, their limits and named constraints, and questions that need no database."""

from models.action import Action
from models.change import Change
from models.customer import Customer, Identity
from models.purchase import Purchase
from models.shop import Shop
from models.token import ApiToken
from models.user import Author, User, UserSession

__all__ = [
    "Action",
    "ApiToken",
    "Author",
    "Change",
    "Customer",
    "Identity",
    "Purchase",
    "Shop",
    "User",
    "UserSession",
]
