//! Meshes and textures made in code: the viewer has no asset file but its fonts.
//!
//! Lengths are metres. A mesh stands on y = 0 unless it says otherwise.

use std::f32::consts::{PI, TAU};

use bevy::asset::RenderAssetUsages;
use bevy::image::{ImageAddressMode, ImageFilterMode, ImageSampler, ImageSamplerDescriptor};
use bevy::mesh::{Indices, PrimitiveTopology};
use bevy::prelude::*;
use bevy::render::render_resource::{
    Extent3d, TextureDimension, TextureFormat, TextureViewDescriptor, TextureViewDimension,
};

/// Triangles under construction.
#[derive(Default)]
struct Sketch {
    positions: Vec<[f32; 3]>,
    normals: Vec<[f32; 3]>,
    uvs: Vec<[f32; 2]>,
    indices: Vec<u32>,
}

impl Sketch {
    fn len(&self) -> u32 {
        u32::try_from(self.positions.len()).expect("meshes are small")
    }

    fn vertex(&mut self, position: Vec3, normal: Vec3, uv: [f32; 2]) {
        self.positions.push(position.to_array());
        self.normals.push(normal.to_array());
        self.uvs.push(uv);
    }

    /// Two triangles between two rows of vertices: `a` and `b` begin the rows, which go on by one.
    fn band(&mut self, a: u32, b: u32) {
        self.indices.extend([a, a + 1, b, b, a + 1, b + 1]);
    }

    /// A flat polygon whose corners go round as seen from outside.
    fn polygon(&mut self, corners: &[Vec3]) {
        let normal = (corners[1] - corners[0])
            .cross(corners[2] - corners[0])
            .normalize_or_zero();
        let base = self.len();
        for corner in corners {
            self.vertex(*corner, normal, [corner.x + corner.z, corner.y]);
        }
        let last = u32::try_from(corners.len()).expect("polygons are small") - 1;
        for at in 1..last {
            self.indices.extend([base, base + at, base + at + 1]);
        }
    }

    fn mesh(self) -> Mesh {
        Mesh::new(
            PrimitiveTopology::TriangleList,
            RenderAssetUsages::default(),
        )
        .with_inserted_attribute(Mesh::ATTRIBUTE_POSITION, self.positions)
        .with_inserted_attribute(Mesh::ATTRIBUTE_NORMAL, self.normals)
        .with_inserted_attribute(Mesh::ATTRIBUTE_UV_0, self.uvs)
        .with_inserted_indices(Indices::U32(self.indices))
    }
}

/// A surface of revolution about y. `profile` holds radius and height from bottom to top; each stretch of it is smooth
/// around and sharp at its ends.
#[must_use]
pub fn lathe(profile: &[(f32, f32)], segments: u32) -> Mesh {
    let mut sketch = Sketch::default();
    for stretch in profile.windows(2) {
        let [(r0, y0), (r1, y1)] = [stretch[0], stretch[1]];
        if (r0 - r1).abs() + (y0 - y1).abs() < 1e-6 {
            continue;
        }
        let slope = Vec2::new(y1 - y0, r0 - r1).normalize();
        let base = sketch.len();
        for (radius, y) in [(r0, y0), (r1, y1)] {
            for at in 0..=segments {
                let share = at as f32 / segments as f32;
                let (sin, cos) = (share * TAU).sin_cos();
                let normal = Vec3::new(slope.x * cos, slope.y, slope.x * sin);
                sketch.vertex(Vec3::new(radius * cos, y, radius * sin), normal, [share, y]);
            }
        }
        for at in 0..segments {
            // The second row lies outwards of the first as seen along the profile.
            let (a, b) = (base + at, base + segments + 1 + at);
            sketch.indices.extend([a, b, a + 1, a + 1, b, b + 1]);
        }
    }
    sketch.mesh()
}

/// A cylinder on its foot.
#[must_use]
pub fn drum(radius: f32, height: f32) -> Mesh {
    lathe(
        &[(0.0, 0.0), (radius, 0.0), (radius, height), (0.0, height)],
        28,
    )
}

/// A tube along a way, with its corners rounded by `bend`.
#[must_use]
pub fn tube(path: &[Vec3], radius: f32, bend: f32, segments: u32) -> Mesh {
    let way = rounded(path, bend);
    let mut sketch = Sketch::default();
    if way.len() < 2 {
        return sketch.mesh();
    }
    let mut up = (way[1] - way[0]).normalize().any_orthonormal_vector();
    for at in 0..way.len() {
        let ahead = (way[(at + 1).min(way.len() - 1)] - way[at.saturating_sub(1)]).normalize();
        up = (up - ahead * up.dot(ahead)).normalize();
        let side = ahead.cross(up);
        for corner in 0..=segments {
            let share = corner as f32 / segments as f32;
            let (sin, cos) = (share * TAU).sin_cos();
            let normal = up * cos + side * sin;
            sketch.vertex(way[at] + normal * radius, normal, [share, at as f32]);
        }
    }
    let row = segments + 1;
    for ring in 0..u32::try_from(way.len()).expect("ways are short") - 1 {
        for corner in 0..segments {
            let base = ring * row + corner;
            sketch.band(base, base + row);
        }
    }
    sketch.mesh()
}

/// A way with its corners rounded.
fn rounded(path: &[Vec3], bend: f32) -> Vec<Vec3> {
    let mut way: Vec<Vec3> = path.first().copied().into_iter().collect();
    for corner in path.windows(3) {
        let [a, b, c] = [corner[0], corner[1], corner[2]];
        let room = bend
            .min(0.49 * (b - a).length())
            .min(0.49 * (c - b).length());
        let (start, end) = (
            b - (b - a).normalize() * room,
            b + (c - b).normalize() * room,
        );
        for at in 0..=6 {
            let share = at as f32 / 6.0;
            way.push(start.lerp(b, share).lerp(b.lerp(end, share), share));
        }
    }
    way.extend(path.last().copied().filter(|_| path.len() > 1));
    way.dedup_by(|a, b| a.distance(*b) < 1e-4);
    way
}

/// A box with chamfered edges, which catch the light; its middle is at the origin.
#[must_use]
pub fn block(size: Vec3, chamfer: f32) -> Mesh {
    let half = size * 0.5;
    let chamfer = chamfer.min(half.min_element() * 0.9);
    let inner = half - Vec3::splat(chamfer);
    let mut sketch = Sketch::default();
    let mut outward = |corners: &[Vec3]| {
        let middle: Vec3 = corners.iter().sum();
        let normal = (corners[1] - corners[0]).cross(corners[2] - corners[0]);
        if normal.dot(middle) < 0.0 {
            let turned: Vec<Vec3> = corners.iter().rev().copied().collect();
            sketch.polygon(&turned);
        } else {
            sketch.polygon(corners);
        }
    };
    let axes = [Vec3::X, Vec3::Y, Vec3::Z];
    for axis in 0..3 {
        let (a, u, w) = (axes[axis], axes[(axis + 1) % 3], axes[(axis + 2) % 3]);
        let (iu, iw, ia) = (inner.dot(u), inner.dot(w), inner.dot(a));
        for sign in [-1.0, 1.0] {
            let face = a * half.dot(a) * sign;
            outward(&[
                face - u * iu - w * iw,
                face + u * iu - w * iw,
                face + u * iu + w * iw,
                face - u * iu + w * iw,
            ]);
        }
        for (su, sw) in [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)] {
            let end = a * ia;
            let p = u * half.dot(u) * su + w * iw * sw;
            let q = u * iu * su + w * half.dot(w) * sw;
            outward(&[p - end, p + end, q + end, q - end]);
        }
    }
    for corner in 0..8_u8 {
        let sign = |bit: u8| if corner & bit == 0 { -1.0 } else { 1.0 };
        let sign = Vec3::new(sign(1), sign(2), sign(4));
        outward(&[
            sign * Vec3::new(half.x, inner.y, inner.z),
            sign * Vec3::new(inner.x, half.y, inner.z),
            sign * Vec3::new(inner.x, inner.y, half.z),
        ]);
    }
    sketch.mesh()
}

/// A flat rectangle that looks up, with its texture repeated every `tile` metres.
#[must_use]
pub fn floor(length: f32, depth: f32, tile: f32) -> Mesh {
    let (x, z) = (0.5 * length, 0.5 * depth);
    let mut sketch = Sketch::default();
    for (px, pz) in [(-x, -z), (-x, z), (x, -z), (x, z)] {
        sketch.vertex(Vec3::new(px, 0.0, pz), Vec3::Y, [px / tile, pz / tile]);
    }
    sketch.band(0, 2);
    sketch.mesh()
}

fn hash(x: i32, y: i32) -> f32 {
    let mut bits =
        x.cast_unsigned().wrapping_mul(0x9E37_79B1) ^ y.cast_unsigned().wrapping_mul(0x85EB_CA77);
    bits = (bits ^ (bits >> 15)).wrapping_mul(0x2C1B_3C6D);
    bits ^= bits >> 12;
    (bits & 0xffff) as f32 / 65_535.0
}

/// Smooth noise that repeats every `period`, 0 to 1.
fn noise(x: f32, y: f32, period: i32) -> f32 {
    let smooth = |t: f32| t * t * (3.0 - 2.0 * t);
    let (sx, sy) = (smooth(x.fract()), smooth(y.fract()));
    let at = |dx: i32, dy: i32| {
        hash(
            (x.floor() as i32 + dx).rem_euclid(period),
            (y.floor() as i32 + dy).rem_euclid(period),
        )
    };
    let lower = at(0, 0) * (1.0 - sx) + at(1, 0) * sx;
    let upper = at(0, 1) * (1.0 - sx) + at(1, 1) * sx;
    lower * (1.0 - sy) + upper * sy
}

/// Noise in five octaves, about 0.5 in the mean.
#[must_use]
pub fn clouds(u: f32, v: f32) -> f32 {
    let (mut sum, mut weight, mut period) = (0.0, 0.5, 8);
    for _ in 0..5 {
        sum += weight * noise(u * period as f32, v * period as f32, period);
        weight *= 0.5;
        period *= 2;
    }
    sum
}

/// A square texture that repeats, with its mip levels. `paint` gives linear red, green, blue and alpha for u and v in
/// 0 to 1.
#[must_use]
pub fn texture(size: usize, srgb: bool, paint: impl Fn(f32, f32) -> [f32; 4]) -> Image {
    let place = |at: usize| at as f32 / size as f32;
    let mut level: Vec<[f32; 4]> = (0..size * size)
        .map(|at| paint(place(at % size), place(at / size)))
        .collect();
    let (mut data, mut side, mut levels) = (Vec::new(), size, 0);
    loop {
        for texel in &level {
            for (channel, value) in texel.iter().enumerate() {
                let value = value.clamp(0.0, 1.0);
                let value = if srgb && channel < 3 {
                    value.powf(1.0 / 2.2)
                } else {
                    value
                };
                data.push((value * 255.0 + 0.5) as u8);
            }
        }
        levels += 1;
        if side == 1 {
            break;
        }
        let half = side / 2;
        level = (0..half * half)
            .map(|at| {
                let (x, y) = (2 * (at % half), 2 * (at / half));
                std::array::from_fn(|channel| {
                    let of = |dx: usize, dy: usize| level[(y + dy) * side + x + dx][channel];
                    0.25 * (of(0, 0) + of(1, 0) + of(0, 1) + of(1, 1))
                })
            })
            .collect();
        side = half;
    }
    let extent = u32::try_from(size).expect("textures are small");
    let format = if srgb {
        TextureFormat::Rgba8UnormSrgb
    } else {
        TextureFormat::Rgba8Unorm
    };
    let mut image = Image::new_uninit(
        Extent3d {
            width: extent,
            height: extent,
            depth_or_array_layers: 1,
        },
        TextureDimension::D2,
        format,
        RenderAssetUsages::RENDER_WORLD,
    );
    image.texture_descriptor.mip_level_count = levels;
    image.data = Some(data);
    image.sampler = ImageSampler::Descriptor(ImageSamplerDescriptor {
        address_mode_u: ImageAddressMode::Repeat,
        address_mode_v: ImageAddressMode::Repeat,
        mipmap_filter: ImageFilterMode::Linear,
        anisotropy_clamp: 8,
        ..ImageSamplerDescriptor::linear()
    });
    image
}

/// The light that a factory hall throws from a direction: strips of lamps, bright windows high up, a dark floor.
fn hall_light(direction: Vec3) -> Vec3 {
    let up = direction.y;
    let sky = Vec3::new(0.42, 0.48, 0.56) * (0.35 + 0.65 * up.max(0.0));
    let floor = Vec3::new(0.16, 0.15, 0.14);
    let base = floor.lerp(sky, (up * 2.0 + 0.5).clamp(0.0, 1.0));
    // Two strips of lamps along x, and a window behind the onlooker.
    let strip = |at: f32| {
        let across = direction.z / up.max(0.05);
        if up > 0.25 {
            (-((across - at) / 0.16).powi(2)).exp()
        } else {
            0.0
        }
    };
    let window = if direction.z > 0.55 && (0.05..0.6).contains(&up) {
        1.0
    } else {
        0.0
    };
    base + Vec3::new(5.2, 5.0, 4.6) * (strip(-0.55) + strip(0.75))
        + Vec3::new(1.5, 1.8, 2.2) * window
}

fn face_direction(face: usize, u: f32, v: f32) -> Vec3 {
    let (x, y) = (2.0 * u - 1.0, 2.0 * v - 1.0);
    let direction = match face {
        0 => Vec3::new(1.0, -y, -x),
        1 => Vec3::new(-1.0, -y, x),
        2 => Vec3::new(x, 1.0, y),
        3 => Vec3::new(x, -1.0, -y),
        4 => Vec3::new(x, -y, 1.0),
        _ => Vec3::new(-x, -y, -1.0),
    };
    direction.normalize()
}

/// A cube map with half-float texels: `light` gives the light for a mip level and a direction.
fn cube_map(size: usize, levels: usize, light: impl Fn(usize, Vec3) -> Vec3) -> Image {
    let mut data = Vec::new();
    for face in 0..6 {
        for level in 0..levels {
            let side = (size >> level).max(1);
            let place = |at: usize| (at as f32 + 0.5) / side as f32;
            for at in 0..side * side {
                let color = light(
                    level,
                    face_direction(face, place(at % side), place(at / side)),
                );
                for channel in [color.x, color.y, color.z, 1.0] {
                    data.extend(half::f16::from_f32(channel).to_le_bytes());
                }
            }
        }
    }
    let extent = u32::try_from(size).expect("cube maps are small");
    let mut image = Image::new_uninit(
        Extent3d {
            width: extent,
            height: extent,
            depth_or_array_layers: 6,
        },
        TextureDimension::D2,
        TextureFormat::Rgba16Float,
        RenderAssetUsages::RENDER_WORLD,
    );
    image.texture_descriptor.mip_level_count = u32::try_from(levels).expect("few levels");
    image.texture_view_descriptor = Some(TextureViewDescriptor {
        dimension: Some(TextureViewDimension::Cube),
        ..default()
    });
    image.data = Some(data);
    image.sampler = ImageSampler::Descriptor(ImageSamplerDescriptor::linear());
    image
}

/// Points that fill the unit square evenly (a Hammersley set).
fn even_points(count: u32) -> impl Iterator<Item = (f32, f32)> {
    (0..count).map(move |at| {
        (
            (at as f32 + 0.5) / count as f32,
            at.reverse_bits() as f32 / u32::MAX as f32,
        )
    })
}

/// A direction around `normal`, from its cosine and its share of a turn.
fn tilted(normal: Vec3, cosine: f32, turn: f32) -> Vec3 {
    let tangent = normal.any_orthonormal_vector();
    let sine = (1.0 - cosine * cosine).max(0.0).sqrt();
    let (sin, cos) = (turn * TAU).sin_cos();
    tangent * (sine * cos) + normal.cross(tangent) * (sine * sin) + normal * cosine
}

/// Light from the hall around, filtered for rough and smooth surfaces.
///
/// # Source
///
/// Split-sum prefiltering with GGX samples about the normal (Karis 2013, *Real Shading in Unreal Engine 4*).
#[must_use]
pub fn hall_environment(images: &mut Assets<Image>, intensity: f32) -> EnvironmentMapLight {
    const LEVELS: usize = 6;
    let specular = cube_map(32, LEVELS, |level, normal| {
        if level == 0 {
            return hall_light(normal);
        }
        let roughness = level as f32 / (LEVELS - 1) as f32;
        let alpha = roughness * roughness;
        let (mut sum, mut weight) = (Vec3::ZERO, 0.0);
        for (x, turn) in even_points(64) {
            let cosine = ((1.0 - x) / (1.0 + (alpha * alpha - 1.0) * x)).sqrt();
            let half = tilted(normal, cosine, turn);
            let light = half * (2.0 * normal.dot(half)) - normal;
            let facing = normal.dot(light);
            if facing > 0.0 {
                sum += hall_light(light) * facing;
                weight += facing;
            }
        }
        sum / weight
    });
    let diffuse = cube_map(8, 1, |_, normal| {
        let sum: Vec3 = even_points(128)
            .map(|(x, turn)| hall_light(tilted(normal, (1.0 - x).sqrt(), turn)))
            .sum();
        sum / 128.0
    });
    EnvironmentMapLight {
        diffuse_map: images.add(diffuse),
        specular_map: images.add(specular),
        intensity,
        ..default()
    }
}

/// A bottle's outline for a height and a width of 1: radius and height.
#[must_use]
pub fn bottle_outline() -> Vec<(f32, f32)> {
    let mut outline = vec![(0.0, 0.0), (0.46, 0.0), (0.5, 0.02), (0.5, 0.58)];
    for at in 1..=6 {
        let share = at as f32 / 6.0;
        let eased = 0.5 - 0.5 * (share * PI).cos();
        outline.push((0.5 - 0.32 * eased, 0.58 + 0.26 * share));
    }
    outline.extend([(0.18, 0.93), (0.21, 0.93), (0.21, 0.96)]);
    outline
}
