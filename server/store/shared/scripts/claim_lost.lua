#!lua
-- Assigns a song to a replica whose own replica was lost or offers the song.
-- Arguments: nonce, replica, lease seconds, number of songs to skip, their ids, seconds after which a lost song is
-- interrupted, then for each engine its name, rule, sound fingerprint and 1 or 0 (free slots or none)
local nonce, replica, till, at = ARGV[1], ARGV[2], now() + tonumber(ARGV[3]), now()
local left, first = left_songs()
local patience = tonumber(ARGV[first])
local before = answered(nonce, at)
if before then return before end
local skills, none = {}, {rule = 'same_sound', sound = '', room = false}
for index = first + 1, #ARGV, 4 do
    skills[ARGV[index]] = {rule = ARGV[index + 1], sound = ARGV[index + 2], room = ARGV[index + 3] == '1'}
end

local function suits(skill, heard, sound)
    if not skill.room or skill.rule == 'never' then return false end
    return not heard or (skill.rule == 'same_sound' and sound ~= '' and sound == skill.sound)
end

-- Returns true if all events of a song are stored, but not its end.
local function whole(record) return cjson.decode(record).sha256 ~= '' end

-- Returns the action for which a lost song is assigned to this replica; nil: the song waits for another replica.
local function task(id, since)
    local song, heard = fields(id, 'engine', 'made', 'cancelled', 'record'), has_sound(id)
    local skill = skills[song[1]] or none
    if whole(song[4]) then return 'complete' end
    if song[3] then return 'cancel' end
    if not left[id] and suits(skill, heard, song[2]) then return 'make' end
    local excluded = skill.rule == 'never' or (heard and skill.rule == 'unheard')
    if excluded or since + patience <= at then return 'interrupt' end
end

local function take(id, task)
    give(id, replica, nonce, till, task, (skills[fields(id, 'engine')[1]] or none).sound)
    return claimed(id, at)
end

local lost, listened = lost_songs(at), {}
for _, song in ipairs(lost) do listened[song.id] = heard(song.id, at) end
table.sort(lost, function(one, other)
    if listened[one.id] ~= listened[other.id] then return listened[one.id] == 1 end
    return one.order < other.order
end)
for _, song in ipairs(lost) do
    local found = task(song.id, song.since)
    if found then return take(song.id, found) end
end
for _, id in ipairs(call('ZRANGE', 'm:offered', 0, -1)) do
    local song = fields(id, 'engine', 'made', 'owner', 'record')
    local suited = not left[id] and suits(skills[song[1]] or none, has_sound(id), song[2])
    if suited and song[3] ~= replica and not whole(song[4]) then return take(id, 'take') end
end
return false
