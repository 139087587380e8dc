from ormkit_gen.declarative import Base, Mapped, domain, mapped_column

domain("code", "text")
domain("code", "varchar(3)")


class User(Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column("code")
