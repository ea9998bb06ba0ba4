"""Tables of the spoken forms of abbreviations and signs, by language."""

from types import MappingProxyType

ABBREVIATIONS = MappingProxyType(
    {
        "en": {
            "mrs": "missus", "mr": "mister", "dr": "doctor", "st": "saint", "co": "company", "jr": "junior",
            "maj": "major", "gen": "general", "drs": "doctors", "rev": "reverend", "lt": "lieutenant",
            "hon": "honorable", "sgt": "sergeant", "capt": "captain", "esq": "esquire", "ltd": "limited",
            "col": "colonel", "ft": "fort",
        },
        "fr": {
            "mme": "madame", "mr": "monsieur", "m": "monsieur", "mlle": "mademoiselle", "mlles": "mesdemoiselles",
            "mmes": "mesdames", "dr": "docteur", "st": "saint", "co": "compagnie", "jr": "junior",
        },
        "de": {"fr": "frau", "dr": "doktor", "st": "sankt", "co": "company", "jr": "junior", "hr": "herr"},
        "es": {"sra": "señora", "sr": "señor", "dr": "doctor", "dra": "doctora", "st": "santo", "co": "compañía",
               "jr": "junior"},
        "it": {"sig": "signore", "dr": "dottore", "st": "santo", "co": "compagnia", "jr": "junior"},
        "pt": {"sra": "senhora", "sr": "senhor", "dr": "doutor", "dra": "doutora", "st": "santo", "co": "companhia",
               "jr": "júnior"},
        "pl": {"dr": "doktor", "św": "święty", "co": "kompania", "jr": "junior"},
        "nl": {"dhr": "de heer", "mevr": "mevrouw", "dr": "dokter", "jhr": "jonkheer", "co": "compagnie"},
        "cs": {"dr": "doktor", "ing": "inženýr", "p": "pan"},
        "tr": {"b": "bay", "byk": "büyük", "dr": "doktor"},
        "ru": {"г-жа": "госпожа", "г-н": "господин", "д-р": "доктор"},
        "hu": {"dr": "doktor", "b": "bácsi", "nőv": "nővér"},
    }
)  # fmt: skip
"""Words for abbreviations that end with a full stop, by language."""

SIGNS = MappingProxyType(
    {
        "en": {"&": "and", "@": "at", "%": "percent", "#": "hash", "$": "dollar", "£": "pound", "°": "degree"},
        "es": {"&": "y", "@": "arroba", "%": "por ciento", "#": "numeral", "$": "dolar", "£": "libra", "°": "grados"},
        "fr": {"&": "et", "@": "arobase", "%": "pour cent", "#": "dièse", "$": "dollar", "£": "livre", "°": "degrés"},
        "de": {"&": "und", "@": "at", "%": "prozent", "#": "raute", "$": "dollar", "£": "pfund", "°": "grad"},
        "pt": {"&": "e", "@": "arroba", "%": "por cento", "#": "cardinal", "$": "dólar", "£": "libra", "°": "graus"},
        "it": {"&": "e", "@": "chiocciola", "%": "per cento", "#": "cancelletto", "$": "dollaro", "£": "sterlina",
               "°": "gradi"},
        "pl": {"&": "i", "@": "małpa", "%": "procent", "#": "krzyżyk", "$": "dolar", "£": "funt", "°": "stopnie"},
        "ar": {"&": "و", "@": "على", "%": "في المئة", "#": "رقم", "$": "دولار", "£": "جنيه", "°": "درجة"},
        "zh": {"&": "和", "@": "在", "%": "百分之", "#": "井", "$": "美元", "£": "英镑", "°": "度"},
        "cs": {"&": "a", "@": "na", "%": "procento", "#": "křížek", "$": "dolar", "£": "libra", "°": "stupně"},
        "ru": {"&": "и", "@": "собака", "%": "процентов", "#": "номер", "$": "доллар", "£": "фунт", "°": "градус"},
        "nl": {"&": "en", "@": "bij", "%": "procent", "#": "hekje", "$": "dollar", "£": "pond", "°": "graden"},
        "tr": {"&": "ve", "@": "at", "%": "yüzde", "#": "diyez", "$": "dolar", "£": "sterlin", "°": "derece"},
        "hu": {"&": "és", "@": "kukac", "%": "százalék", "#": "kettőskereszt", "$": "dollár", "£": "font",
               "°": "fok"},
        "ko": {"&": "그리고", "@": "에", "%": "퍼센트", "#": "번호", "$": "달러", "£": "파운드", "°": "도"},
    }
)  # fmt: skip
"""Words for signs within a line, by language."""

ORDINALS = MappingProxyType(
    {
        "en": r"(?<!\d)(\d++)(?:st|nd|rd|th)\b",
        "es": r"(?<!\d)(\d++)(?:º|ª|er|o|a|os|as)\b",
        "fr": r"(?<!\d)(\d++)(?:º|ª|er|re|e|ème)\b",
        "de": r"\b(?<!\d)(\d++)(?:ste|te)\b",
        "pt": r"(?<!\d)(\d++)(?:º|ª|o|a|os|as)\b",
        "it": r"(?<!\d)(\d++)(?:º|°|ª|o|a|i|e)\b",
        "pl": r"(?<!\d)(\d++)(?:º|ª|st|nd|rd|th)\b",
        "ar": r"(?<!\d)(\d++)(?:ون|ين|ث|ر|ى)\b",
        "cs": r"(?<!\d)(\d++)\.(?=\s|$)",
        "ru": r"(?<!\d)(\d++)-?(?:й|я|е|ое|ье|го)\b",
        "nl": r"(?<!\d)(\d++)(?:de|ste|e)\b",
        "tr": r"(?<!\d)(\d++)(?:\.|inci|nci|uncu|üncü)\b",
        "hu": r"(?<!\d)(\d++)(?:adik|edik|odik|ödik|ik)\b",
        "ko": r"(?<!\d)(\d++)번째",
    }
)
"""Regular expressions for ordinal numbers in digits, by language."""
