class UserMethods
