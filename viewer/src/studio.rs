//! Pictures without a window: a scene that is driven frame by frame.
//!
//! **Invariant:** a picture depends on what is shown, the time, the size and the renderer; not on how long anything
//! took, and not on the pictures before it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bevy::app::{PluginGroupBuilder, PluginsState, SubApps};
use bevy::prelude::*;
use bevy::render::RenderPlugin;
use bevy::render::gpu_readback::{Readback, ReadbackComplete};
use bevy::render::pipelined_rendering::PipelinedRenderingPlugin;
use bevy::render::render_resource::{PollType, TextureFormat, TextureUsages};
use bevy::render::renderer::{RenderAdapterInfo, RenderDevice};
use bevy::time::TimeUpdateStrategy;
use bevy::window::ExitCondition;
use bevy::winit::WinitPlugin;
use thiserror::Error;

use crate::stage::{Clock, Quality, Sides, StageOptions};

/// Why there are no pictures.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StudioError {
    /// There is nothing to render with.
    #[error(
        "there is no graphics adapter: neither a graphics card nor a software renderer was found"
    )]
    NoAdapter,
    /// The picture is too small or too large.
    #[error("{width}x{height} is no size for a picture; from 16x16 to 8192x8192 can be made")]
    Size {
        /// The width that was asked for, pixels.
        width: u32,
        /// The height that was asked for, pixels.
        height: u32,
    },
}

/// Checks the size of a picture.
///
/// # Errors
///
/// [`StudioError::Size`] beyond 16 to 8192 pixels.
pub fn check_size(size: UVec2) -> Result<(), StudioError> {
    let fits = |side: u32| (16..=8192).contains(&side);
    if fits(size.x) && fits(size.y) {
        return Ok(());
    }
    Err(StudioError::Size {
        width: size.x,
        height: size.y,
    })
}

/// Bevy's plugins without a window, and quiet; `render` says what draws.
#[must_use]
pub fn windowless(render: RenderPlugin) -> PluginGroupBuilder {
    DefaultPlugins
        .set(WindowPlugin {
            primary_window: None,
            exit_condition: ExitCondition::DontExit,
            ..default()
        })
        .set(render)
        .set(bevy::log::LogPlugin {
            filter: "error".to_owned(),
            ..default()
        })
        .disable::<WinitPlugin>()
        .disable::<PipelinedRenderingPlugin>()
}

/// What renders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// Its name.
    pub name: String,
    /// Whether it is a program on the processor.
    pub is_software: bool,
}

/// Looks for something to render with.
///
/// # Errors
///
/// [`StudioError::NoAdapter`].
pub fn find_adapter() -> Result<Adapter, StudioError> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: wgpu::Backends::PRIMARY,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let adapters = bevy::tasks::block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
    let mut found: Vec<Adapter> = adapters
        .iter()
        .map(|adapter| {
            let info = adapter.get_info();
            Adapter {
                name: info.name,
                is_software: info.device_type == wgpu::DeviceType::Cpu,
            }
        })
        .collect();
    found.sort_by_key(|adapter| adapter.is_software);
    found.into_iter().next().ok_or(StudioError::NoAdapter)
}

/// A picture: rows from top to bottom, four bytes a pixel: red, green, blue, alpha in sRGB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Width, pixels.
    pub width: u32,
    /// Height, pixels.
    pub height: u32,
    /// The pixels.
    pub pixels: Vec<u8>,
}

/// A scene without a window.
pub struct Studio {
    apps: SubApps,
    pictures: Receiver<Vec<u8>>,
    size: UVec2,
    adapter: String,
    /// For each update whose picture has not come back yet, whether it is wanted. A picture comes back in the update
    /// after its own, and in their order.
    owed: VecDeque<bool>,
}

/// Frames until everything has been built, laid out and uploaded.
const WARM_UP: u32 = 4;

impl Studio {
    /// Sets a scene. [`find_adapter`] has found something to render with.
    ///
    /// # Arguments
    ///
    /// * `size` — width and height of the pictures, pixels.
    /// * `fps` — pictures per second of the onlooker; only flights between views depend on it.
    ///
    /// # Errors
    ///
    /// [`StudioError::Size`].
    pub fn new(
        sides: Sides,
        size: UVec2,
        quality: Quality,
        fps: u32,
        set: impl FnOnce(&mut World),
    ) -> Result<Self, StudioError> {
        check_size(size)?;
        let mut app = App::new();
        app.add_plugins(windowless(RenderPlugin {
            synchronous_pipeline_compilation: true,
            ..default()
        }));
        let mut image =
            Image::new_target_texture(size.x, size.y, TextureFormat::Rgba8UnormSrgb, None);
        image.texture_descriptor.usage |= TextureUsages::COPY_SRC;
        let target = app.world_mut().resource_mut::<Assets<Image>>().add(image);
        let frame = Duration::from_nanos(1_000_000_000 / u64::from(fps.max(1)));
        app.insert_resource(TimeUpdateStrategy::ManualDuration(frame))
            .insert_resource(StageOptions {
                size,
                quality,
                target: Some(target.clone()),
                reduced_motion: false,
            })
            .insert_resource(sides)
            .add_plugins(crate::ScenePlugins);
        set(app.world_mut());
        while app.plugins_state() == PluginsState::Adding {
            bevy::tasks::tick_global_task_pools_on_main_thread();
        }
        app.finish();
        app.cleanup();
        let apps = std::mem::take(app.sub_apps_mut());
        let (tell, pictures) = channel();
        let tell = Arc::new(Mutex::new(tell));
        let mut studio = Self {
            apps,
            pictures,
            size,
            adapter: String::new(),
            owed: VecDeque::new(),
        };
        for _ in 0..WARM_UP {
            studio.update();
        }
        studio.adapter = studio.world().resource::<RenderAdapterInfo>().name.clone();
        let mut readback = studio.world_mut().spawn(Readback::texture(target));
        readback.observe(move |ready: On<ReadbackComplete>| {
            let tell = tell.lock().expect("nobody panics with the lock");
            // Nobody is there to be told once the studio has gone.
            let _ = tell.send(ready.data.clone());
        });
        Ok(studio)
    }

    /// The name of what renders.
    #[must_use]
    pub fn adapter(&self) -> &str {
        &self.adapter
    }

    /// The world of the scene.
    #[must_use]
    pub fn world(&self) -> &World {
        self.apps.main.world()
    }

    /// The world of the scene, to be changed between pictures.
    pub fn world_mut(&mut self) -> &mut World {
        self.apps.main.world_mut()
    }

    /// Draws once. After it, the pictures of all updates before it have come back.
    fn update(&mut self) {
        self.apps.update();
        let device = self.world().resource::<RenderDevice>().wgpu_device();
        // A poll that times out shows in a picture that does not come.
        let _ = device.poll(PollType::Wait {
            submission_index: None,
            timeout: None,
        });
    }

    /// Draws once more, and gives the picture that came back if it is wanted.
    fn draw(&mut self, is_wanted: bool) -> Option<Picture> {
        self.owed.push_back(is_wanted);
        self.update();
        let mut wanted = None;
        while let Ok(data) = self.pictures.try_recv() {
            if self.owed.pop_front().unwrap_or(false) {
                wanted = Some(self.unpadded(&data));
            }
        }
        wanted
    }

    /// Makes the picture of a time.
    pub fn shoot(&mut self, t_ns: u64) -> Picture {
        let mut made = None;
        let done: Result<(), Infallible> = self.film(std::iter::once(t_ns), |picture| {
            made = Some(picture);
            Ok(())
        });
        let Ok(()) = done;
        made.expect("a film has a picture for each time")
    }

    /// Makes the pictures of times, one after the other, and hands each over.
    ///
    /// # Errors
    ///
    /// What `take` cannot do; no picture is made after that.
    pub fn film<E>(
        &mut self,
        times: impl IntoIterator<Item = u64>,
        mut take: impl FnMut(Picture) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut put = |picture: Option<Picture>| picture.map_or(Ok(()), &mut take);
        // Nothing that was drawn earlier is of this film.
        self.owed.iter_mut().for_each(|wanted| *wanted = false);
        for t_ns in times {
            self.world_mut().resource_mut::<Clock>().t_ns = t_ns;
            loop {
                let things = self.world().entity_count();
                put(self.draw(true))?;
                if self.world().entity_count() == things {
                    break;
                }
                // What is made in an update is placed in the next.
                *self.owed.back_mut().expect("it was drawn") = false;
            }
        }
        while self.owed.contains(&true) {
            put(self.draw(false))?;
        }
        Ok(())
    }

    /// Rows come padded to a multiple of 256 bytes.
    fn unpadded(&self, data: &[u8]) -> Picture {
        let row = 4 * self.size.x as usize;
        let padded = RenderDevice::align_copy_bytes_per_row(row);
        let rows = data.chunks(padded).take(self.size.y as usize);
        let mut pixels = Vec::with_capacity(row * self.size.y as usize);
        for line in rows {
            pixels.extend_from_slice(&line[..row.min(line.len())]);
        }
        Picture {
            width: self.size.x,
            height: self.size.y,
            pixels,
        }
    }
}
