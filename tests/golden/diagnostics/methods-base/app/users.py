class UserMethods:
    pass
