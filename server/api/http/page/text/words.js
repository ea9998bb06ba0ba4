// Words that the engine studio understands in a prompt, and an example; the words are data, not interface.

/** Suggestions, in groups: genres, moods, instruments. */
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

/** A song to begin with. */
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

const SEPARATOR = /[,，、;；\n]+/;

const parts = (prompt) => prompt.split(SEPARATOR).map((part) => part.trim()).filter(Boolean);

/** Whether a prompt has the word as one of its parts. */
export const has = (prompt, word) => parts(prompt).some((part) => part.toLowerCase() === word.toLowerCase());

/** The prompt with the word added, or without it where it has it. */
export function toggled(prompt, word) {
  const kept = parts(prompt).filter((part) => part.toLowerCase() !== word.toLowerCase());
  const all = has(prompt, word) ? kept : [...kept, word];
  const chinese = /[\u3400-\u9fff]/.test(all.join(""));
  return all.join(chinese ? "，" : ", ");
}

const TAG = /[[［【]([^[\]［］【】]*)[\]］】]/g;

/** Lyrics cut at their tags: {text, tag, known}. */
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

// Only a hint for the eye: engines know more names, and have the last word.
const isKnown = (tag) => /[\u3400-\u9fff]/.test(tag) || NAMES.has(tag.trim().toLowerCase().replace(/[\s#-]*\d+$/, ""));

/** Lyrics with a tag put on a line of its own at `at`: {text, caret}. */
export function inserted(lyrics, tag, at) {
  const before = lyrics.slice(0, at);
  const after = lyrics.slice(at);
  const opening = before && !before.endsWith("\n") ? "\n" : "";
  const text = `${before}${opening}[${tag}]\n`;
  return { text: text + after.replace(/^\n/, ""), caret: text.length };
}
