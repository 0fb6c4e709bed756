-- The scaled price of the real files: a whole multiple of 1/59000.
COPY (
  SELECT p.t_dat, c.customer_id, a.article_id, p.price / 59000.0::DOUBLE AS price, p.channel AS sales_channel_id
  FROM purchases p JOIN customers c ON c."user" = p."user" JOIN articles a ON a.item = p.item
) TO {{file}} (FORMAT parquet, COMPRESSION snappy);
