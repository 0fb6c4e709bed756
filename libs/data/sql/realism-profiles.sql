SELECT median(TRY_CAST(age AS INTEGER))::DOUBLE AS age_median,
       avg((age IS NULL)::INTEGER)::DOUBLE AS age_missing,
       avg((fn = '1')::INTEGER)::DOUBLE AS fn_share,
       avg((club = 'ACTIVE')::INTEGER)::DOUBLE AS club_active
FROM users;
