#!lua flags=allow-oom
-- Counts the songs that have not ended, by engine, and publishes each count as the length of a list for autoscalers.
-- Arguments: seconds for which the lists exist, engines that no replica has ever announced...
local songs = {}
for _, name in ipairs(call('HKEYS', 'm:known')) do songs[name] = {} end
for index = 2, #ARGV do songs[ARGV[index]] = {} end
for _, id in ipairs(call('ZRANGE', 'm:service', 0, -1)) do
    local engine, state = unpack(fields(id, 'engine', 'state'))
    if unended(state) then
        songs[engine] = songs[engine] or {}
        table.insert(songs[engine], id)
    end
end
for index = 2, #ARGV do
    if #songs[ARGV[index]] == 0 then table.insert(songs[ARGV[index]], '') end
end
local counts = {}
for engine, ids in pairs(songs) do
    local key = 'm:demand:' .. engine
    call('DEL', key)
    for _, id in ipairs(ids) do call('RPUSH', key, id) end
    if #ids > 0 then call('EXPIRE', key, ARGV[1]) end
    counts[#counts + 1] = {engine, #ids}
end
return counts
