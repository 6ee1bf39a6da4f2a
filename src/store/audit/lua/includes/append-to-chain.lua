-- Whether the chain has this entry already, because the reply to an earlier call was lost and the script was sent again.
local function isInChain(headKey, streamKey, seq, hash)
  local behind = tonumber(redis.call('hget', headKey, 'seq') or '0') - tonumber(seq) + 1
  if behind < 1 or behind > 1000 then return false end
  local entry = redis.call('xrevrange', streamKey, '+', '-', 'COUNT', behind)[behind]
  return entry and string.find(entry[2][2], '"hash":"' .. hash .. '"', 1, true)
end

-- Appends an entry if it follows the head.
-- Returns 'ok', or 'head <seq> <hash>' with the head that the entry must follow.
local function appendToChain(headKey, streamKey, prevHash, hash, seq, entry)
  local head = redis.call('hmget', headKey, 'seq', 'hash')
  if head[1] and head[2] ~= prevHash then return 'head ' .. head[1] .. ' ' .. head[2] end
  if not head[1] and tonumber(seq) ~= 1 then return 'head 0 ' .. string.rep('0', 64) end
  redis.call('xadd', streamKey, '*', 'entry', entry)
  redis.call('hset', headKey, 'seq', seq, 'hash', hash)
  return 'ok'
end
