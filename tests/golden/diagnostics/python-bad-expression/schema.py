from ormkit_gen.declarative import Base, Mapped, computed, mapped_column


class User(Base):
    id: Mapped[int] = mapped_column(primary_key=True)
    first_name: Mapped[str]
    last_name: Mapped[str]
    full_name: Mapped[str] = computed("first_name || ' ' || lastname")
    initials: Mapped[str] = computed(expression="left(firstname, 1)", type="varchar(3)")
