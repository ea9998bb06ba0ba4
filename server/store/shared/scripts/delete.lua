#!lua flags=allow-oom
-- Deletes a song that has ended, or checks that the song may be deleted. Arguments, for one of three uses:
-- id, 'unheard': returns 1 if the song has ended and has no listeners
-- id, 'ended': returns 1 if the song has ended, with or without listeners
-- id, 'forget', seconds: deletes the song; for these seconds (0 or more) it cannot be stored again
local id, seconds = ARGV[1], tonumber(ARGV[3] or 0)
local state = fields(id, 'state')[1]
if unended(state) then return {usage(), 0} end
if ARGV[2] == 'unheard' then return {usage(), 1 - heard(id, now())} end
if ARGV[2] == 'ended' then return {usage(), state and 1 or 0} end
call('ZREM', 'm:ended', id)
-- The response to an earlier call was lost: the song is already deleted.
if not state then return {usage(), call('EXISTS', deleted_key(id))} end
erase(id, nil)
if seconds > 0 then call('SET', deleted_key(id), '', 'EX', seconds) end
return {usage(), 1}
