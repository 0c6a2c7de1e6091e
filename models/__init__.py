"""Tables, their limits and named constraints, and questions that need no database."""

from models.change import Change
from models.customer import Customer, Identity
from models.purchase import Purchase
from models.shop import Shop
from models.user import User, UserSession

__all__ = ["Change", "Customer", "Identity", "Purchase", "Shop", "User", "UserSession"]
