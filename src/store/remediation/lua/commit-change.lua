--[[
  Changes a remediation, by compare-and-set. Its record, its deadline, the locks on its targets, the hourly counts and
  the audit entry, if it has one, change together or not at all: there is no entry without its change.

  Keys:
    recordKey        hash of the remediation: rev, state, token and record
    headKey          hash: seq and hash of the last audit entry
    streamKey        stream of audit entries
    dueKey           sorted set: remediation ids by deadline, in milliseconds of the epoch
    cardPendingKey   sorted set: ids of remediations whose card is out of date, by the time of the change
    freezeKey        exists while remediations are frozen
    appliedKey       sorted set: what was applied in this environment, by time: the id of a remediation, and <id>#2 … for its further lines
    appliedOfRunKey  set: the same of this run
    ...targetKeys    a lock of each target; its value is the id of the remediation that has it
  Arguments:
    id               of the remediation
    revision         the revision that the change was decided on
    record           JSON: the next record
    state            the next state
    token            the fencing token of its execution, or '' for none
    dueMs            the next deadline in milliseconds of the epoch, or '' for none
    prevHash         hash of the audit entry before
    hash             hash of the audit entry
    seq              number of the audit entry
    entry            JSON: the audit entry, or '' for none
    notAfterMs       refuse after this time, in milliseconds of the epoch; '' for no limit
    unlessFrozen     'yes' to refuse while remediations are frozen
    perHour          lines that may be applied in an hour in the environment; '' to neither count nor limit
    perRun           lines that may be applied of the run, together with perHour
    lines            how many lines the plan has
    lockMs           how long to lock the targets, in milliseconds; '' to unlock them
    keepMs           how long to keep the record and the counts of the run, in milliseconds
    onlyIfOverdue    'yes' to refuse before the deadline
    keepsLease       'yes' to leave the deadline and the locks as they are
  Returns: `ok`, or why it was refused: `conflict` (the revision is another), `late`, `kept` (it is not overdue), `frozen`, `held <id>`,
    `capped-hour`, `capped-run`, `head <seq> <hash>` (the audit chain has another head).
]]
local recordKey = KEYS[1]
local headKey = KEYS[2]
local streamKey = KEYS[3]
local dueKey = KEYS[4]
local cardPendingKey = KEYS[5]
local freezeKey = KEYS[6]
local appliedKey = KEYS[7]
local appliedOfRunKey = KEYS[8]
local targetKeys = {} for at = 9, #KEYS do targetKeys[#targetKeys + 1] = KEYS[at] end
local id = ARGV[1]
local revision = ARGV[2]
local record = ARGV[3]
local state = ARGV[4]
local token = ARGV[5]
local dueMs = ARGV[6]
local prevHash = ARGV[7]
local hash = ARGV[8]
local seq = ARGV[9]
local entry = ARGV[10]
local notAfterMs = ARGV[11]
local unlessFrozen = ARGV[12]
local perHour = ARGV[13]
local perRun = ARGV[14]
local lines = ARGV[15]
local lockMs = ARGV[16]
local keepMs = ARGV[17]
local onlyIfOverdue = ARGV[18]
local keepsLease = ARGV[19]

-- @include "../../lua/includes/now.lua"
-- @include "../../audit/lua/includes/append-to-chain.lua"

local nowMs = now()
if (redis.call('hget', recordKey, 'rev') or '0') ~= revision then return 'conflict' end
if notAfterMs ~= '' and nowMs > tonumber(notAfterMs) then return 'late' end
if onlyIfOverdue == 'yes' and tonumber(redis.call('zscore', dueKey, id) or nowMs + 1) > nowMs then return 'kept' end
if unlessFrozen == 'yes' and redis.call('exists', freezeKey) == 1 then return 'frozen' end
for _, targetKey in ipairs(targetKeys) do
  local holder = redis.call('get', targetKey)
  if lockMs ~= '' and holder and holder ~= id then return 'held ' .. holder end
end
if perHour ~= '' then
  redis.call('zremrangebyscore', appliedKey, '-inf', nowMs - 3600000)
  if redis.call('zcard', appliedKey) + tonumber(lines) > tonumber(perHour) then return 'capped-hour' end
  if redis.call('scard', appliedOfRunKey) + tonumber(lines) > tonumber(perRun) then return 'capped-run' end
end
if entry ~= '' then
  local answer = appendToChain(headKey, streamKey, prevHash, hash, seq, entry)
  if answer ~= 'ok' then return answer end
end

redis.call('hset', recordKey, 'rev', tonumber(revision) + 1, 'state', state, 'token', token, 'record', record)
redis.call('pexpire', recordKey, keepMs)
redis.call('zadd', cardPendingKey, nowMs, id)
if keepsLease ~= 'yes' then
  if dueMs == '' then redis.call('zrem', dueKey, id) else redis.call('zadd', dueKey, dueMs, id) end
  for _, targetKey in ipairs(targetKeys) do
    if lockMs ~= '' then redis.call('set', targetKey, id, 'PX', lockMs)
    elseif redis.call('get', targetKey) == id then redis.call('del', targetKey) end
  end
end
if perHour ~= '' then
  for line = 1, tonumber(lines) do
    local member = line == 1 and id or id .. '#' .. line
    redis.call('zadd', appliedKey, nowMs, member)
    redis.call('sadd', appliedOfRunKey, member)
  end
  redis.call('pexpire', appliedKey, 3600000)
  redis.call('pexpire', appliedOfRunKey, keepMs)
end
return 'ok'
