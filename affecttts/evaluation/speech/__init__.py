"""`affecttts evaluate tts`: plan what is spoken, speak it, let judges hear it, score it, report
it.
"""
