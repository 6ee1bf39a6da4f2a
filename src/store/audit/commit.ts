/**
 * The one way in which a remediation moves: all of it or nothing, in one step of Redis. The record, its deadline, the targets it holds,
 * the hourly counts, and the audit entry that tells of it change together, so that there is no move without its entry and no entry
 * without its move (reference: bullmq.md section 2).
 *
 * KEYS: record, audit head, audit stream, due, untold, freeze, applied in this environment, applied in this run, then the targets.
 * Answers `ok`, or why not: `moved` (somebody else was first), `late`, `kept`, `frozen`, `held <id>`, `capped-hour`, `capped-run`, `head <seq> <hash>`.
 */
export const COMMIT = `
local id, rev, record, state, due = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local prev, hash, seq, entry = ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local notAfter, thawed, perHour, perRun, claim, claimMs, keepMs = ARGV[10], ARGV[11], ARGV[12], ARGV[13], ARGV[14], ARGV[15], ARGV[16]
local overdue = ARGV[17]
local t = redis.call('time')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
if (redis.call('hget', KEYS[1], 'rev') or '0') ~= rev then return 'moved' end
if notAfter ~= '' and now > tonumber(notAfter) then return 'late' end
if overdue == 'yes' and tonumber(redis.call('zscore', KEYS[4], id) or now + 1) > now then return 'kept' end
if thawed == 'yes' and redis.call('exists', KEYS[6]) == 1 then return 'frozen' end
for at = 9, #KEYS do
  local holder = redis.call('get', KEYS[at])
  if claim == 'claim' and holder and holder ~= id then return 'held ' .. holder end
end
if perHour ~= '' then
  redis.call('zremrangebyscore', KEYS[7], '-inf', now - 3600000)
  if redis.call('zcard', KEYS[7]) >= tonumber(perHour) then return 'capped-hour' end
  if redis.call('scard', KEYS[8]) >= tonumber(perRun) then return 'capped-run' end
end
if entry ~= '' then
  local head = redis.call('hmget', KEYS[2], 'seq', 'hash')
  if head[1] and head[2] ~= prev then return 'head ' .. head[1] .. ' ' .. head[2] end
  if not head[1] and tonumber(seq) ~= 1 then return 'head 0 ' .. string.rep('0', 64) end
  redis.call('xadd', KEYS[3], '*', 'entry', entry)
  redis.call('hset', KEYS[2], 'seq', seq, 'hash', hash)
end
redis.call('hset', KEYS[1], 'rev', rev + 1, 'state', state, 'record', record)
redis.call('pexpire', KEYS[1], keepMs)
if due == '' then redis.call('zrem', KEYS[4], id) else redis.call('zadd', KEYS[4], due, id) end
redis.call('zadd', KEYS[5], now, id)
for at = 9, #KEYS do
  if claim == 'claim' then redis.call('set', KEYS[at], id, 'PX', claimMs)
  elseif redis.call('get', KEYS[at]) == id then redis.call('del', KEYS[at]) end
end
if perHour ~= '' then
  redis.call('zadd', KEYS[7], now, id)
  redis.call('pexpire', KEYS[7], 3600000)
  redis.call('sadd', KEYS[8], id)
  redis.call('pexpire', KEYS[8], keepMs)
end
return 'ok'`;

/**
 * A script that appends an audit entry, and does `unless` before it and `also` with it. KEYS: head, stream, and what else is named.
 * ARGV: hash before, hash, number, entry, and what else. Answers as {@link COMMIT}; `ok` also where the entry is in the chain already,
 * for it was sent twice: its first answer was lost with the connection.
 */
export function appending({ unless = '', also = '' } = {}): string {
  return `
local head = redis.call('hmget', KEYS[1], 'seq', 'hash')
local behind = tonumber(head[1] or '0') - tonumber(ARGV[3]) + 1
if behind >= 1 and behind <= 1000 then
  local last = redis.call('xrevrange', KEYS[2], '+', '-', 'COUNT', behind)[behind]
  if last and string.find(last[2][2], '"hash":"' .. ARGV[2] .. '"', 1, true) then return 'ok' end
end
${unless}
if head[1] and head[2] ~= ARGV[1] then return 'head ' .. head[1] .. ' ' .. head[2] end
if not head[1] and tonumber(ARGV[3]) ~= 1 then return 'head 0 ' .. string.rep('0', 64) end
redis.call('xadd', KEYS[2], '*', 'entry', ARGV[4])
redis.call('hset', KEYS[1], 'seq', ARGV[3], 'hash', ARGV[2])
${also}
return 'ok'`;
}

/** Lengthens a lease, for the holder of the newest token alone. KEYS: record, due, then the targets. */
export const KEEP = `
local record = redis.call('hget', KEYS[1], 'record')
if not record then return 0 end
local held = cjson.decode(record)
if tostring(held.token) ~= ARGV[2] or (held.state ~= 'applying' and held.state ~= 'settling') then return 0 end
redis.call('zadd', KEYS[2], ARGV[3], ARGV[1])
for at = 3, #KEYS do
  if redis.call('get', KEYS[at]) == ARGV[1] then redis.call('pexpire', KEYS[at], ARGV[4]) end
end
return 1`;

/** Takes a remediation off the list of those whose card is behind, unless it has moved on since. KEYS: record, untold. */
export const TOLD = `
if redis.call('hget', KEYS[1], 'rev') == ARGV[2] then return redis.call('zrem', KEYS[2], ARGV[1]) end
return 0`;
