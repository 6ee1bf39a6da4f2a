--[[
  Adds a sample to the series of each target. Safe to send again. The time of a sample is at most that of Redis' clock. A full series loses
  the sample that is closest to its neighbours for its age, so that series of frequent runs become sparser with age, and keep their oldest
  and their newest sample.

  Keys:
    seriesKey   hash: target -> its samples, oldest first, each a line '<milliseconds of the epoch> <JSON>'
    seenKey     sorted set: targets by the time of the last run that saw them, in milliseconds of the epoch
  Arguments:
    startedMs   when the run began, in milliseconds of the epoch
    samples     JSON: list of [target, JSON of its sample]
    keep        samples kept of a target
    forMs       how long a sample is kept, in milliseconds
    everyMs     between two samples of a target, at least, in milliseconds
    maxTargets  targets kept; those that were seen least recently are removed first
  Returns: 1.
]]
local seriesKey = KEYS[1]
local seenKey = KEYS[2]
local startedMs = tonumber(ARGV[1])
local samples = ARGV[2]
local keep = tonumber(ARGV[3])
local forMs = tonumber(ARGV[4])
local everyMs = tonumber(ARGV[5])
local maxTargets = tonumber(ARGV[6])

-- @include "../../lua/includes/now.lua"

local MAX_SURPLUS = 1000
local nowMs = now()
local atMs = math.min(startedMs, nowMs)

local function isKept(sampleMs)
  return sampleMs > nowMs - forMs and sampleMs <= nowMs
end

local function read(target)
  local series = {}
  for ms, json in string.gmatch(redis.call('hget', seriesKey, target) or '', '(%d+) ([^\n]*)') do
    if isKept(tonumber(ms)) then table.insert(series, {ms = tonumber(ms), json = json}) end
  end
  -- A far longer series was not written by this script, and thinning it would block Redis.
  if #series <= keep + MAX_SURPLUS then return series end
  local newest = {}
  for place = #series - keep + 1, #series do table.insert(newest, series[place]) end
  return newest
end

local function add(series, json)
  local at = #series + 1
  for place, sample in ipairs(series) do
    local distance = math.abs(sample.ms - atMs)
    if distance == 0 or distance < everyMs then return end
    if sample.ms > atMs then at = math.min(at, place) end
  end
  table.insert(series, at, {ms = atMs, json = json})
end

local function thin(series)
  while #series > keep do
    local newest = series[#series].ms
    local closest, least = 1, math.huge
    for place = 2, #series - 1 do
      local sparseness = (series[place + 1].ms - series[place - 1].ms) / (newest - series[place].ms)
      if sparseness < least then closest, least = place, sparseness end
    end
    table.remove(series, closest)
  end
end

local function write(target, series)
  local lines = {}
  for _, sample in ipairs(series) do table.insert(lines, string.format('%d %s', sample.ms, sample.json)) end
  redis.call('hset', seriesKey, target, table.concat(lines, '\n'))
  redis.call('zadd', seenKey, nowMs, target)
end

local function remove(targets)
  for _, target in ipairs(targets) do
    redis.call('hdel', seriesKey, target)
    redis.call('zrem', seenKey, target)
  end
end

for _, sample in ipairs(cjson.decode(samples)) do
  local series = read(sample[1])
  add(series, sample[2])
  thin(series)
  write(sample[1], series)
end
remove(redis.call('zrangebyscore', seenKey, '-inf', nowMs - forMs))
remove(redis.call('zrange', seenKey, 0, -maxTargets - 1))
redis.call('pexpire', seriesKey, forMs)
redis.call('pexpire', seenKey, forMs)
return 1
