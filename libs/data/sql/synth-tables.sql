CREATE TABLE customers AS
SELECT (row_number() OVER () - 1)::INTEGER AS "user", customer_id
FROM read_csv({{customers}}, header = true, delim = ',', quote = '"', auto_detect = false, columns = {
  'customer_id': 'VARCHAR', 'FN': 'VARCHAR', 'Active': 'VARCHAR', 'club_member_status': 'VARCHAR', 'fashion_news_frequency': 'VARCHAR',
  'age': 'VARCHAR', 'postal_code': 'VARCHAR'});
CREATE TABLE articles (item INTEGER, article_id VARCHAR);
CREATE TABLE purchases (t_dat DATE, "user" INTEGER, item INTEGER, price INTEGER, channel TINYINT);
