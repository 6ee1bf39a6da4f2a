-- Returns the time of Redis' clock, in milliseconds of the epoch and in microseconds of the epoch.
local function now()
  local time = redis.call('time')
  return time[1] * 1000 + math.floor(time[2] / 1000), time[1] * 1000000 + time[2]
end
