/** CRC-16/XMODEM of every byte value. */
const table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1
  return crc
})

/** The cluster slot of an ASCII key: that of the text between its first `{` and the next `}`, unless that is empty. */
export function slotOf(key: string): number {
  const from = key.indexOf('{')
  const to = key.indexOf('}', from + 1)
  const tag = from >= 0 && to > from + 1 ? key.slice(from + 1, to) : key
  let crc = 0
  for (let at = 0; at < tag.length; at++) {
    crc = ((crc << 8) & 0xffff) ^ table[(crc >> 8) ^ (tag.charCodeAt(at) & 0xff)]!
  }
  return crc & 0x3fff
}
