-- What one key owes, in microseconds, window by window. KEYS[1]: the key's state. ARGV[1], packed doubles: how many
-- requests are wanted, then of each window the period in milliseconds, one request's charge, and what the bucket holds.
-- A state is packed doubles too: when it was written, then of each window its period and the debt at that time.
-- Admits as many as fit into every window. Answers with the new state if all do; otherwise with their number and the debts.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local state = redis.call('GET', KEYS[1])

-- The usual case, two windows and no others kept, without a table: a third of the time.
if #ARGV[1] == 56 and (not state or #state == 40) then
  local wanted, p1, c1, holds1, p2, c2, holds2 = struct.unpack('<ddddddd', ARGV[1])
  local written, k1, d1, k2, d2 = now, p1, 0, p2, 0
  if state then
    written, k1, d1, k2, d2 = struct.unpack('<ddddd', state)
    local passed = now - written
    d1 = d1 > passed and d1 - passed or 0
    d2 = d2 > passed and d2 - passed or 0
  end
  if k1 == p1 and k2 == p2 and written <= now then
    local fit = wanted
    if holds1 - d1 < fit * c1 or holds2 - d2 < fit * c2 then
      fit = math.floor(math.min((holds1 - d1) / c1, (holds2 - d2) / c2))
    end
    if fit <= 0 then
      return {0, d1, d2}
    end
    d1 = d1 + fit * c1
    d2 = d2 + fit * c2
    state = struct.pack('<ddddd', now, p1, d1, p2, d2)
    -- One more, so that what has expired was full whenever within its millisecond it was set.
    redis.call('SET', KEYS[1], state, 'PX', math.floor((d1 > d2 and d1 or d2) / 1000) + 1)
    return fit == wanted and state or {fit, d1, d2}
  end
end

local windows = {struct.unpack('<' .. string.rep('d', #ARGV[1] / 8), ARGV[1])}
local last = #ARGV[1] / 8
local owed, written = {}, now
if state then
  local held = {struct.unpack('<' .. string.rep('d', #state / 8), state)}
  written = held[1]
  for i = 2, #state / 8, 2 do
    owed[held[i]] = math.max(held[i + 1] - math.max(now - written, 0), 0)
  end
end

local fit = windows[1]
for i = 2, last, 3 do
  local room = windows[i + 2] - (owed[windows[i]] or 0)
  if room < fit * windows[i + 1] then
    fit = math.floor(room / windows[i + 1])
  end
end
fit = math.max(fit, 0)

local answer, fields, longest = {fit}, {now}, 0
for i = 2, last, 3 do
  local debt = (owed[windows[i]] or 0) + fit * windows[i + 1]
  owed[windows[i]] = nil
  answer[#answer + 1] = debt
  fields[#fields + 1] = windows[i]
  fields[#fields + 1] = debt
  longest = math.max(longest, debt)
end
-- What is owed under other plans stays as long as it lasts.
for period, debt in pairs(owed) do
  if debt > 0 then
    fields[#fields + 1] = period
    fields[#fields + 1] = debt
    longest = math.max(longest, debt)
  end
end

-- The one write of a refusal: a clock that went back by an hour must not keep the key out for that hour.
if fit > 0 or now < written then
  state = struct.pack('<' .. string.rep('d', #fields), unpack(fields))
  redis.call('SET', KEYS[1], state, 'PX', math.floor(longest / 1000) + 1)
end
return fit > 0 and fit == windows[1] and state or answer
