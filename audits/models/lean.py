"""The transformers library without what it loads for others: import from here what is used as soon as it is imported.

Transformers 4 loads scikit-learn, scipy's statistics and pandas for its drafts, and scipy's optimisers for the losses
of image models: 170 MB and a second, of which nothing is used here. Transformers 5 waits with the former until they are
needed, and loads scipy whatever it is told.
"""

from __future__ import annotations

import transformers

transformers.utils.import_utils._sklearn_available = False
transformers.utils.import_utils._scipy_available = False

# Here and not when they are first used, or the seconds of loading a model would hold their import.
AutoModelForCausalLM, AutoTokenizer = transformers.AutoModelForCausalLM, transformers.AutoTokenizer
AttentionInterface = transformers.AttentionInterface
