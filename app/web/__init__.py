"""Pages: one more format of the API's answers, for people. A page asks the API, in this process, and draws what that
says."""
