class UserMethods:
    words = dict(**{}, *[])
