"""Which quantiser it was: a float network and its integers enter, with some quantisers on and others off; causes leave."""
