    for (int c = 0; c < @CHANNELS@; ++c) o[c] = (@KIND@)a[@LAST@c];
