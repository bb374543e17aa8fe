-- Two windows of GCRA, all or nothing. KEYS: each window's theoretical arrival time, in microseconds. ARGV: of each window
-- one request's charge and what the bucket holds, in microseconds. Answers whether admitted, and what is owed then.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local charge1, charge2 = tonumber(ARGV[1]), tonumber(ARGV[3])
local arrival1 = tonumber(redis.call('GET', KEYS[1]) or now)
local arrival2 = tonumber(redis.call('GET', KEYS[2]) or now)
local debt1 = arrival1 > now and arrival1 - now or 0
local debt2 = arrival2 > now and arrival2 - now or 0
if debt1 + charge1 > tonumber(ARGV[2]) or debt2 + charge2 > tonumber(ARGV[4]) then
  return {0, debt1, debt2}
end
debt1 = debt1 + charge1
debt2 = debt2 + charge2
redis.call('SET', KEYS[1], now + debt1, 'PX', math.ceil(debt1 / 1000))
redis.call('SET', KEYS[2], now + debt2, 'PX', math.ceil(debt2 / 1000))
return {1, debt1, debt2}
