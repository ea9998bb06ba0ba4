#!lua flags=allow-oom
-- Returns songs that have ended, in the order of their ends: id, end, size in bytes, and 1 if the song has listeners.
-- Arguments: position of the first song, number of songs
local found, at = {}, now()
for _, id in ipairs(call('ZRANGE', 'm:ended', ARGV[1], tonumber(ARGV[1]) + tonumber(ARGV[2]) - 1)) do
    local song = fields(id, 'ended', 'size')
    found[#found + 1] = {id, song[1] or '0', song[2] or '0', heard(id, at)}
end
return {usage(), found}
