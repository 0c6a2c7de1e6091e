"""The extensions, not yet bound to an app; `create_app` binds them."""

from collections.abc import Mapping
from typing import Any, Self

from flask_bootstrap import Bootstrap5
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.schema import MetaData


class Base(DeclarativeBase):
    """Names every constraint and index, so that a violated one can be told apart."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Made of a row's values, of which none is watched for changes: a hundred thousand are made in no time."""
        one: Self = cls.__mapper__.class_manager.new_instance()
        vars(one).update(row)
        return one


# What was committed is what was answered: nothing is read again after the commit.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
migrate = Migrate()
csrf = CSRFProtect()
login = LoginManager()
bootstrap = Bootstrap5()
