"""The prompt that a model is asked with, only on rows where the labeling functions disagree or stay silent.

The function returns the question; weaksup adds the labels with their descriptions, the guideline and the answer format,
and puts the document last, where it cannot be taken for an instruction.
"""

from weaksup import prompt_function


@prompt_function
def ticket_intent(x):
    return "What does the writer of this support ticket want us to do now?"
