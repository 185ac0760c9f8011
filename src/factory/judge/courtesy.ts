/** Who is thanked, and for what, without anything being asked for. */
const THANKS =
  /^(many |big |huge )?(thanks|thank you|thx|ty|cheers|danke|merci|gracias)( (so much|very much|a lot|again|all|everyone|team))*( for (the|this|that|your|all your)( (quick|fast|great|nice|good))?( (fix|help|work|change|update|pr|pull request|answer|reply|explanation|effort))?)?$/;
const PRAISE =
  /^((that|this|it)( is| looks| works|'s)? |looks |works )?((really|very|so|all) )?(great|nice|good|perfect|awesome|cool|excellent|amazing|brilliant|wonderful|lovely|fantastic|super)( (work|job|one|stuff|fix|to me|for me))?$/;
const FIXED =
  /^(well done|nicely done|lgtm|(i )?love it|(much )?appreciated|(i )?appreciate it|(it )?works for me|works like a charm)$/;

const MOST_PHRASES = 4;

/**
 * Whether a message only thanks or praises: then nobody is to work on it. Whatever is not plainly that asks for something.
 * `text`: as the person wrote it.
 */
export function asksForNothing(text: string): boolean {
  const said = text.replace(/^\s*(@|\/)[\w-]+[,:]?/, "").toLowerCase();
  const plain = said.replace(
    /\p{Extended_Pictographic}|\p{Emoji_Modifier}|\u{fe0f}|\u{200d}|:[+a-z0-9_-]+:|[:;][-']?[)dp](?=\s|$)/gu,
    " ",
  );
  const phrases = plain
    .split(/[.!,;\n]|\band\b|(?<=\s)[-–—](?=\s)/)
    .map((phrase) => phrase.replace(/\s+/g, " ").trim())
    .filter((phrase) => phrase !== "");
  if (phrases.length === 0) return plain !== said;
  return (
    phrases.length <= MOST_PHRASES &&
    phrases.every((phrase) => THANKS.test(phrase) || PRAISE.test(phrase) || FIXED.test(phrase))
  );
}
