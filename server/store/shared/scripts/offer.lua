#!lua flags=allow-oom
-- Offers songs to other replicas.
-- Arguments: id and lease of each song
for index = 1, #ARGV, 2 do
    local id = ARGV[index]
    local song = fields(id, 'state', 'order')
    if unended(song[1]) and is_lease(id, ARGV[index + 1]) then call('ZADD', 'm:offered', song[2], id) end
end
wake_all()
return 1
