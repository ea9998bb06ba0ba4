// All words of the page, in English and Chinese.

const CHOICE = "melisma.language";

export const MESSAGES = {
  en: {
    tagline: "Words in, a song out — heard while it is being made.",
    "language.other": "中文",
    "form.title": "A new song",
    "key.label": "API key",
    "key.hint": "This server asks for a key. It stays in this tab until you close it.",
    "key.missing": "This server needs an API key.",
    "key.wrong": "The server does not know this key.",
    "key.scope": "This key may not do that.",
    "prompt.label": "Style",
    "prompt.placeholder": "melodic pop, warm, piano",
    "lyrics.label": "Lyrics",
    "lyrics.placeholder": "[verse]\nOne line for each line that is sung.\nLeave it empty for an instrumental.",
    "lyrics.tags": "Insert a section tag",
    "lyrics.sung": "Lyrics in time with the song",
    example: "Fill in an example",
    "duration.label": "Length",
    "duration.auto": "From the lyrics",
    "duration.seconds": "{n} s",
    "engine.label": "Engine",
    "engine.loading": "{name} (not ready yet)",
    "voice.label": "Voice",
    "voice.any": "As the style says",
    "voice.female": "A woman",
    "voice.male": "A man",
    more: "More",
    "tonality.label": "Key",
    "tempo.label": "Tempo (BPM)",
    "seed.label": "Seed",
    "seed.placeholder": "a new one every time",
    "seed.keep": "Use this seed again",
    "seed.kept": "This seed is kept",
    "stems.label": "Tracks",
    "stem.vocal": "Vocal",
    "stem.harmony": "Harmony",
    "stem.drums": "Drums",
    "stem.bass": "Bass",
    "stem.ornaments": "Ornaments",
    generate: "Generate",
    "generate.sending": "Sending…",
    "generate.wait": "Try again in {n} s",
    cancel: "Cancel",
    "song.title": "Now playing",
    "song.empty": "Your song appears here, and plays as soon as its first section is made.",
    "status.queued": "Waiting",
    "status.ahead": "{n} songs ahead",
    "status.running": "Being made: {n} of {all} sections",
    "status.making": "Being made",
    "status.planning": "Being planned",
    "status.first": "first sound in about {n} s",
    "status.finish": "complete in about {n} s",
    "status.completed": "Complete",
    "status.failed": "Failed",
    "status.cancelled": "Cancelled",
    "section.queued": "waiting",
    "section.denoising": "step {n} of {all}",
    "section.ready": "ready",
    "kind.intro": "Intro",
    "kind.verse": "Verse",
    "kind.pre_chorus": "Pre-chorus",
    "kind.chorus": "Chorus",
    "kind.bridge": "Bridge",
    "kind.inst": "Instrumental",
    "kind.outro": "Outro",
    "kind.song": "Song",
    position: "Position in the song",
    sections: "Sections of the song",
    play: "Play",
    pause: "Pause",
    "save.mp3": "MP3",
    "save.midi": "MIDI",
    "fact.seed": "Seed",
    "fact.key": "Key",
    "fact.tempo": "Tempo",
    notes: "What was understood",
    "history.title": "Your songs",
    "history.empty": "Nothing here yet.",
    "history.older": "Older ones",
    "history.download": "Download MP3",
    "history.untitled": "No style given",
    "lost.connection": "The connection is lost. Trying again…",
    "lost.song": "This song is not here any more, or belongs to someone else.",
    "error.network": "The server cannot be reached.",
    "error.busy": "The server is full at the moment.",
    "error.other": "That did not work: {text}",
    "error.both": "Say something about the style, or write some lyrics.",
    "error.range": "Must be between {low} and {high}.",
    "error.longest": "At most {n} characters.",
    "error.short": "These lyrics need at least {n} seconds.",
    "error.number": "Must be a number.",
    "error.key": "Write a key such as C major, F# minor or Am.",
    "error.wordless": "There are no words in it. Write what is sung, or leave it empty for an instrumental.",
  },
  zh: {
    tagline: "写下歌词，听它当场成歌。",
    "language.other": "English",
    "form.title": "写一首新歌",
    "key.label": "API 密钥",
    "key.hint": "此服务器需要密钥。密钥只留在本标签页，关闭即清除。",
    "key.missing": "此服务器需要 API 密钥。",
    "key.wrong": "服务器不认识这个密钥。",
    "key.scope": "这个密钥没有相应的权限。",
    "prompt.label": "风格",
    "prompt.placeholder": "流行，温暖，钢琴",
    "lyrics.label": "歌词",
    "lyrics.placeholder": "[verse]\n每行写一句歌词。\n留空则为纯音乐。",
    "lyrics.tags": "插入段落标签",
    "lyrics.sung": "随歌同步的歌词",
    example: "填入示例",
    "duration.label": "时长",
    "duration.auto": "由歌词决定",
    "duration.seconds": "{n} 秒",
    "engine.label": "引擎",
    "engine.loading": "{name}（尚未就绪）",
    "voice.label": "人声",
    "voice.any": "随风格而定",
    "voice.female": "女声",
    "voice.male": "男声",
    more: "更多",
    "tonality.label": "调性",
    "tempo.label": "速度（BPM）",
    "seed.label": "种子",
    "seed.placeholder": "每次随机",
    "seed.keep": "下次沿用此种子",
    "seed.kept": "已锁定此种子",
    "stems.label": "音轨",
    "stem.vocal": "人声",
    "stem.harmony": "和声",
    "stem.drums": "鼓",
    "stem.bass": "贝斯",
    "stem.ornaments": "点缀",
    generate: "生成",
    "generate.sending": "正在提交…",
    "generate.wait": "{n} 秒后可再试",
    cancel: "取消",
    "song.title": "正在播放",
    "song.empty": "歌曲会出现在这里，第一段完成便开始播放。",
    "status.queued": "排队中",
    "status.ahead": "前面还有 {n} 首",
    "status.running": "创作中：已完成 {n} / {all} 段",
    "status.making": "创作中",
    "status.planning": "正在构思",
    "status.first": "约 {n} 秒后出声",
    "status.finish": "约 {n} 秒后完成",
    "status.completed": "已完成",
    "status.failed": "失败",
    "status.cancelled": "已取消",
    "section.queued": "等待中",
    "section.denoising": "第 {n} / {all} 步",
    "section.ready": "已就绪",
    "kind.intro": "前奏",
    "kind.verse": "主歌",
    "kind.pre_chorus": "导歌",
    "kind.chorus": "副歌",
    "kind.bridge": "桥段",
    "kind.inst": "间奏",
    "kind.outro": "尾奏",
    "kind.song": "全曲",
    position: "播放位置",
    sections: "歌曲段落",
    play: "播放",
    pause: "暂停",
    "save.mp3": "MP3",
    "save.midi": "MIDI",
    "fact.seed": "种子",
    "fact.key": "调性",
    "fact.tempo": "速度",
    notes: "对风格的理解",
    "history.title": "我的歌曲",
    "history.empty": "还没有歌曲。",
    "history.older": "更早的",
    "history.download": "下载 MP3",
    "history.untitled": "未写风格",
    "lost.connection": "连接已断开，正在重连…",
    "lost.song": "这首歌已不在，或属于他人。",
    "error.network": "无法连接服务器。",
    "error.busy": "服务器暂时已满。",
    "error.other": "未能完成：{text}",
    "error.both": "请写下风格，或写几句歌词。",
    "error.range": "须在 {low} 到 {high} 之间。",
    "error.longest": "最多 {n} 个字符。",
    "error.short": "这些歌词至少需要 {n} 秒。",
    "error.number": "须为数字。",
    "error.key": "请写调名，如 C major、F# minor 或 Am。",
    "error.wordless": "里面没有歌词。请写下要唱的词，或留空生成纯音乐。",
  },
};

let language = "en";

/** "zh" for those who prefer Chinese, by their choice or their browser's; else "en". */
export function preferred(chosen, browser) {
  if (chosen in MESSAGES) return chosen;
  return (browser ?? "").toLowerCase().startsWith("zh") ? "zh" : "en";
}

export const current = () => language;

/** Take up the language of whoever looks at the page. */
export function begin() {
  show(preferred(localStorage.getItem(CHOICE), navigator.language));
}

/** Show the page in the other language, from now on. */
export function change() {
  const other = language === "zh" ? "en" : "zh";
  localStorage.setItem(CHOICE, other);
  show(other);
}

/** A message, with what is in braces filled in. */
export function t(name, values = {}) {
  const text = MESSAGES[language][name] ?? name;
  return text.replace(/\{(\w+)\}/g, (_, word) => values[word] ?? "");
}

function show(chosen) {
  language = chosen;
  document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", t(element.dataset.label));
  for (const element of document.querySelectorAll("[data-placeholder]")) element.placeholder = t(element.dataset.placeholder);
}

const KNOWN = [
  [/must not both be empty/, () => ["error.both"]],
  [/range \[([\d.]+), ([\d.]+)\]/, (low, high) => ["error.range", { low, high }]],
  [/greater than or equal to ([\d.]+) and less than or equal to ([\d.]+)/, (low, high) => ["error.range", { low, high }]],
  [/is outside ([\d.]+) to ([\d.]+)/, (low, high) => ["error.range", { low, high }]],
  [/hold no words/, () => ["error.wordless"]],
  [/need at least (\d+) s/, (n) => ["error.short", { n }]],
  [/at most (\d+) characters/, (n) => ["error.longest", { n }]],
  [/must be (?:a number|an integer)/, () => ["error.number"]],
];

/** What a field's violation says, in the language of the page where its words are known. */
export function explained(field, description) {
  for (const [pattern, told] of KNOWN) {
    const found = pattern.exec(description);
    if (found) return t(...told(...found.slice(1)));
  }
  if (field === "key") return t("error.key");
  return t("error.other", { text: description });
}
