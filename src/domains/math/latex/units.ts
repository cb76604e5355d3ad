/** Units of measure: which words name one, and how a unit's text measures. Knows no number. */

/** What a unit measures, as a product of powers of base dimensions, and its size in their base units. */
export interface Measure {
  dimension: string;
  size: number;
}

interface Unit {
  base: string;
  power: number;
  size: number;
}

const UNITS = new Map<string, Unit>();
function define(dimension: string, size: number, names: string): void {
  const [base, power] = dimension.split("^") as [string, string?];
  for (const name of names.split(" ")) UNITS.set(name, { base, power: Number(power ?? 1), size });
}
define("length", 1, "m meter meters metre metres");
define("length", 0.01, "cm centimeter centimeters centimetre centimetres");
define("length", 0.001, "mm millimeter millimeters millimetre millimetres");
define("length", 0.1, "dm decimeter decimeters decimetre decimetres");
define("length", 1000, "km kilometer kilometers kilometre kilometres");
define("length", 0.0254, "in inch inches");
define("length", 0.3048, "ft foot feet");
define("length", 0.9144, "yd yard yards");
define("length", 1609.344, "mi mile miles");
define("mass", 1, "g gram grams gm");
define("mass", 1000, "kg kilogram kilograms kgs");
define("mass", 0.001, "mg milligram milligrams");
define("mass", 453.59237, "lb lbs pound pounds");
define("mass", 28.349523125, "oz ounce ounces");
define("mass", 1e6, "ton tons tonne tonnes");
define("time", 1, "s sec secs second seconds");
define("time", 60, "min mins minute minutes");
define("time", 3600, "h hr hrs hour hours");
define("time", 86400, "day days");
define("time", 604800, "week weeks wk");
define("month", 1, "month months");
define("month", 12, "year years yr yrs");
define("length^3", 0.001, "l L liter liters litre litres");
define("length^3", 0.000001, "ml mL milliliter milliliters millilitre millilitres cc");
define("length^3", 0.003785411784, "gal gallon gallons");
define("money", 1, "$ dollar dollars usd bucks");
define("money", 0.01, "cent cents");
define("euro", 1, "€ euro euros eur");
define("pound sterling", 1, "£ gbp");
define("yuan", 1, "yuan rmb");
define("rupee", 1, "rs rupee rupees inr");
define("yen", 1, "¥ yen");
define("angle", 1, "degree degrees deg °");
define("angle", 57.29577951308232, "rad radian radians");
define("celsius", 1, "celsius");
define("fahrenheit", 1, "fahrenheit");
define("frequency", 1, "hz hertz");
define("energy", 1, "j joule joules");
define("force", 1, "n newton newtons");
define("power", 1, "w watt watts");
define("voltage", 1, "v volt volts");
define("resistance", 1, "ohm ohms");
define("data", 1, "bit bits");
define("data", 8, "byte bytes");
define("megabytes", 1, "mb megabyte megabytes");
define("gigabytes", 1, "gb gigabyte gigabytes");
define("kilobytes", 1, "kb kilobyte kilobytes");
define("length^2", 4046.8564224, "acre acres");
define("length^2", 10000, "hectare hectares ha");

/** Words that abbreviate a quotient of units. */
const QUOTIENTS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    mph: "mile per hour",
    kmh: "km per hour",
    kmph: "km per hour",
    kph: "km per hour",
    mps: "m per s",
    fps: "ft per s",
  }),
);

/** Units that are also letters of algebra: `5m` may be five metres or five times m. */
export const LETTER_UNITS: ReadonlySet<string> = new Set(["m", "s", "g", "h", "L", "l"]);

/** Whether `word` names a unit of measure. */
export function isUnit(word: string): boolean {
  const lower = word.toLowerCase();
  return UNITS.has(word) || UNITS.has(lower) || QUOTIENTS.has(lower);
}

/** Words before or after a number that qualify it and are no unit. */
const FILLER = new Set(
  "square sq cubic cu per of total about approximately approx exactly only units unit p.m. a.m. the a an and each in all".split(
    " ",
  ),
);

/** How a unit's text measures. Undefined for a label such as "apples". */
export function measure(unit: string): Measure | undefined {
  const words = unit
    .toLowerCase()
    .replaceAll("^{", "^")
    .replaceAll("}", "")
    .replaceAll("{", "")
    .replaceAll("/", " per ")
    .replaceAll("\\", " ")
    .replaceAll(".", "")
    .split(" ")
    .flatMap((word) => QUOTIENTS.get(word)?.split(" ") ?? [word]);
  const powers = new Map<string, number>();
  let size = 1;
  let power = 1;
  let sign = 1;
  for (const word of words) {
    if (word === "") continue;
    if (word === "square" || word === "sq") power = 2;
    else if (word === "cubic" || word === "cu") power = 3;
    else if (word === "per") sign = -1;
    else {
      const [name, raised] = word.split("^") as [string, string?];
      const found = UNITS.get(name);
      if (found === undefined) {
        if (FILLER.has(name)) continue;
        return undefined;
      }
      const exponent = sign * (raised === undefined ? power : Number(raised) || 1);
      powers.set(found.base, (powers.get(found.base) ?? 0) + exponent * found.power);
      size *= found.size ** exponent;
      power = 1;
    }
  }
  const dimension = [...powers]
    .map(([base, n]) => `${base}^${n}`)
    .sort()
    .join(" ");
  return dimension === "" ? undefined : { dimension, size };
}
