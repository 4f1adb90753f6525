"""Operations and commands of a policy author: check, test, decide, interview, and new cities."""
