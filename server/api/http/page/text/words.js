// Words that the engine studio understands in a prompt, and an example song.

/** Suggested words in groups: genres, moods, instruments. */
export const WORDS = {
  en: [
    ["pop", "ballad", "folk", "rock", "lofi", "jazz", "r&b", "dance", "guofeng", "nursery rhyme"],
    ["warm", "upbeat", "dreamy", "melancholic", "romantic", "epic", "calm", "playful"],
    ["piano", "guitar", "strings", "guzheng", "erhu", "music box", "no drums"],
  ],
  zh: [
    ["流行", "抒情", "民谣", "摇滚", "古风", "爵士", "电子", "儿歌", "嘻哈", "低保真"],
    ["温暖", "轻快", "梦幻", "忧伤", "浪漫", "史诗", "安静", "俏皮"],
    ["钢琴", "吉他", "弦乐", "古筝", "二胡", "八音盒", "无鼓"],
  ],
};

/** The tags of sections, in the order of a song. */
export const TAGS = ["intro", "verse", "pre-chorus", "chorus", "bridge", "inst", "outro"];

/** An example song. */
export const EXAMPLE = {
  en: {
    prompt: "folk, warm, guitar",
    lyrics: "[verse]\nLeave a lamp beside the door\nI am walking home once more\n[chorus]\nEvery river knows the way\nCarry me to break of day",
  },
  zh: {
    prompt: "流行，温暖，钢琴",
    lyrics: "[verse]\n晚风轻轻翻过书页\n灯火把小巷照亮\n[chorus]\n把今夜唱成一条河\n流到有你的远方",
  },
};

const SEPARATOR = /([,，、;；\n]+)/;
const ABSENT = String.raw`(?:\b(?:no|not|not +too|without|without +any|zero|except) +|不要太|不要|不用|不带|不帶|不太|不那么|没有|沒有|无|無|去掉|不)`;
const LISTED = String.raw`[^,.;，。；、]{1,18}?`;
const DENIED = new RegExp(`${ABSENT}$`);
const DENIED_IN_LIST = new RegExp(String.raw`(?:\bno +${LISTED} +(?:or|nor) +|\bwithout +${LISTED} +(?:or|and) +|(?:不要|[没沒]有)${LISTED}(?:和|或|与|與|及))$`);
const LAST_JOIN = / *(?:or|nor|and|[和或与與及]) *$/;
const SENTENCE = /[.!。！]/;
const JOINS = /^(?:\s|[-–—_&+]|的|地|和|与|與|(?:and|or|with)(?=\s))+|(?:\s|[-–—_&+]|的|地|和|与|與|(?<=\s)(?:and|or|with))+$/gi;

// Of the same length as the text, so that positions are equal in both.
const plain = (text) => text.toLowerCase().replace(/[\s_–—-]/g, " ").replaceAll("’", "'");

/** The position of a word in a part of a prompt, as the engine reads it: {start, end, denied}; "no piano" is denied. */
function places(part, word) {
  const spelt = plain(word).replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(" ", " +");
  const pattern = /^[\x00-\x7f]*$/.test(word) ? `(?<![a-z0-9])${spelt}(?![a-z0-9])` : spelt;
  return Array.from(plain(part).matchAll(new RegExp(pattern, "g")), (found) => {
    const clause = plain(part).slice(0, found.index).split(SENTENCE).pop();
    const denial = DENIED.exec(clause) ?? (DENIED_IN_LIST.test(clause) ? LAST_JOIN.exec(clause) : null);
    return { start: found.index - (denial?.[0].length ?? 0), end: found.index + found[0].length, denied: denial !== null };
  });
}

const isWanted = (part, word) => places(part, word).some(({ denied }) => !denied);

/** True if a prompt asks for the word, alone or in a phrase: "melodic pop" asks for "pop", "no pop" does not. */
export const has = (prompt, word) => prompt.split(SEPARATOR).some((part) => isWanted(part, word));

/** The prompt with the word added, or removed if the prompt asks for it; the rest is unchanged. */
export function toggled(prompt, word) {
  const rest = without(prompt, word).trim().replace(/[,，、;；]+$/, "");
  if (has(prompt, word)) return rest;
  const chinese = /[\u3400-\u9fff]/.test(rest + word);
  return rest + (rest ? (chinese ? "，" : ", ") : "") + word;
}

function without(prompt, word) {
  const kept = [];
  const pieces = prompt.split(SEPARATOR);
  for (let at = 0; at < pieces.length; at += 2) {
    const part = cutFrom(pieces[at], word);
    if (part === null) continue;
    if (kept.length) kept.push(pieces[at - 1]);
    kept.push(kept.length ? part : part.trimStart());
  }
  return kept.join("");
}

// The part without the word; null if the part has nothing else.
function cutFrom(part, word) {
  const found = places(part, word);
  if (!found.length) return part;
  const rest = found.reduceRight((text, { start, end }) => `${text.slice(0, start)} ${text.slice(end)}`, part);
  const tidy = rest.replace(JOINS, "").replace(/(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])/g, "").replace(/ +/g, " ");
  return tidy ? /^\s*/.exec(part)[0] + tidy : null;
}

const TAG = /[[［【]([^[\]［］【】]*)[\]］】]/g;

/** Split lyrics at their tags: {text, tag, known}. */
export function tagged(lyrics) {
  const pieces = [];
  let at = 0;
  for (const found of lyrics.matchAll(TAG)) {
    pieces.push({ text: lyrics.slice(at, found.index), tag: false }, { text: found[0], tag: true, known: isKnown(found[1]) });
    at = found.index + found[0].length;
  }
  pieces.push({ text: lyrics.slice(at), tag: false });
  return pieces.filter((piece) => piece.text);
}

const OTHER_NAMES = "introduction prelude opening stanza rap prechorus buildup build lift refrain hook postchorus instrumental interlude solo break ending end coda finale";
const NAMES = new Set([...TAGS, ...OTHER_NAMES.split(" ")]);

// Only for highlighting: engines know more names than the page.
const isKnown = (tag) => /[\u3400-\u9fff]/.test(tag) || NAMES.has(tag.trim().toLowerCase().replace(/[\s#-]*\d+$/, ""));

/** Insert a tag on its own line into lyrics, at the position `at`: {text, caret}. */
export function inserted(lyrics, tag, at) {
  const before = lyrics.slice(0, at);
  const after = lyrics.slice(at);
  const opening = before && !before.endsWith("\n") ? "\n" : "";
  const text = `${before}${opening}[${tag}]\n`;
  return { text: text + after.replace(/^\n/, ""), caret: text.length };
}
