    for (int64_t i = 0; i < @SIZE@; ++i) o[i] = begin ? (@TYPE@)a[(begin - 1) * INT64_C(@SIZE@) + i] : 0;
