//! A picture for the examples in the documentation.

/// A BMP of 2 x 2 pixels: red and green above blue and white.
pub fn bmp() -> Vec<u8> {
    let mut file = b"BM".to_vec();
    // File size, two reserved words, offset of the pixels.
    for word in [70u32, 0, 54] {
        file.extend(word.to_le_bytes());
    }
    // Header of 40 bytes: width, height, planes and bits, no compression, bytes of the pixels.
    for word in [40u32, 2, 2, 1 | (24 << 16), 0, 16, 0, 0, 0, 0] {
        file.extend(word.to_le_bytes());
    }
    // Rows from below, blue first, each filled up to a multiple of 4 bytes.
    file.extend([255, 0, 0, 255, 255, 255, 0, 0]);
    file.extend([0, 0, 255, 0, 255, 0, 0, 0]);
    file
}
