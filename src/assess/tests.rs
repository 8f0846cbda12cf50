//! What all judgements share.
