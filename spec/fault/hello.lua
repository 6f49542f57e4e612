--- hello: a script with arguments, for the runs that begin with a file.
print(...)
