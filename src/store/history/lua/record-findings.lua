--[[
  Commits what became of the findings of one question, unless another run was first. If there are too many questions, those that were
  recorded least recently are dropped from the list; the caller deletes what is left of them.

  Keys:
    historyKey      hash: rev, which every change increments, and the history
    questionsKey    sorted set: questions with a history, by the time of their last record in milliseconds of the epoch
    ...findingKeys  of the findings that this run found, or found gone: each holds the question that has recorded its finding last
  Arguments:
    revision      the revision that was read; 0 if there was none
    history       the new history
    question      JSON: the question
    ttlMs         how long all of it is kept, in milliseconds
    maxQuestions  questions kept
  Returns: 'conflict' if another run has changed the history, otherwise 'recorded' followed by the questions that were dropped.
]]
local historyKey = KEYS[1]
local questionsKey = KEYS[2]
local findingKeys = {} for at = 3, #KEYS do findingKeys[at - 2] = KEYS[at] end
local revision = tonumber(ARGV[1])
local history = ARGV[2]
local question = ARGV[3]
local ttlMs = tonumber(ARGV[4])
local maxQuestions = tonumber(ARGV[5])

-- @include "../../lua/includes/now.lua"

if tonumber(redis.call('hget', historyKey, 'rev') or '0') ~= revision then return {'conflict'} end

local nowMs = now()
redis.call('hset', historyKey, 'rev', revision + 1, 'history', history)
redis.call('pexpire', historyKey, ttlMs)
for _, key in ipairs(findingKeys) do redis.call('set', key, question, 'PX', ttlMs) end

redis.call('zremrangebyscore', questionsKey, '-inf', nowMs - ttlMs)
redis.call('zadd', questionsKey, nowMs, question)
redis.call('pexpire', questionsKey, ttlMs)
local answer = {'recorded'}
for _, dropped in ipairs(redis.call('zrange', questionsKey, 0, -maxQuestions - 1)) do
  redis.call('zrem', questionsKey, dropped)
  table.insert(answer, dropped)
end
return answer
