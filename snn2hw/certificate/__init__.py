"""The certificate: an integer network enters, and verified bounds for every state and input leave, ready for certificate.json.

Each bound says by which method it was found. `snn2hw.checker` derives them again and trusts none of this.
"""
