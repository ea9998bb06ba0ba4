#!lua flags=allow-oom
-- Returns the data of every waiting or running song, in the order of admission.
local songs, at = {}, now()
lost_songs(at)
for _, id in ipairs(call('ZRANGE', 'm:service', 0, -1)) do
    local song = fields(id, 'caller', 'engine', 'charged', 'steps', 'weight', 'admitted')
    local waits = call('ZSCORE', 'm:queue:' .. (song[2] or ''), id) and 1 or 0
    local claimed = call('SISMEMBER', 'm:making:' .. (song[1] or ''), id)
    songs[#songs + 1] = {id, waits, claimed, song[1], song[2], song[3], song[4], song[5],
        text(song[6] and at - tonumber(song[6]) or 0)}
end
return songs
