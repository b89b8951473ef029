//! The nodes that clients see: `Objects/PLANT/DEVICE/TAG`, and who watches them.
//!
//! A device is an object whose components are its tags; a tag is a `DataItemType`, or with a unit an `AnalogUnitType`
//! (OPC 10000-8, 5.3.2). Nothing may be written.
//!
//! A monitored item gets every sample, whatever interval it asks for. The library's own sampling would move time stamps: what
//! comes before an interval is over it stamps anew with the interval's end, and a historian polls every second give or take a
//! millisecond. So the revised interval is as good as none. Where the library lets nobody revise it (a client asks for
//! the publishing interval, -1, or modifies an item), samples go without a source time stamp, which the library does not hold back.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use opcua::server::address_space::{
    AccessLevel, AddressSpace, NodeType, ObjectBuilder, VariableBuilder,
};
use opcua::server::diagnostics::NamespaceMetadata;
use opcua::server::node_manager::memory::{
    InMemoryNodeManager, InMemoryNodeManagerImpl, InMemoryNodeManagerImplBuilder,
};
use opcua::server::node_manager::{
    MonitoredItemRef, MonitoredItemUpdateRef, RequestContext, ServerContext, WriteNode,
};
use opcua::server::{CreateMonitoredItem, MonitoredItemHandle, SubscriptionCache};
use opcua::sync::RwLock;
use opcua::types::{
    AttributeId, DataTypeId, DataValue, DateTime, ExtensionObject, NodeId, ObjectId, ObjectTypeId,
    QualifiedName, StatusCode, TimestampsToReturn, VariableTypeId, Variant,
};

use crate::feed::{Kind, Plant, Quality, Sample, Tag};
use crate::units::unit;

/// Sampling interval, ms, that holds no sample back: less than a tick of the library's clock.
const NO_INTERVAL_MS: f64 = 0.000_1;

/// All nodes of a plant, with the clients that watch them.
pub(crate) type Space = InMemoryNodeManager<Tags>;

/// Namespace of a plant's nodes.
pub(crate) fn uri(plant: &str) -> String {
    format!("urn:twinrange:plant:{plant}")
}

/// Builds the nodes of a plant.
pub(crate) struct SpaceBuilder {
    pub(crate) plant: Arc<Plant>,
}

/// What is peculiar to the nodes of a plant.
pub(crate) struct Tags {
    namespace: NamespaceMetadata,
    /// Each tag's node, in the plant's order, and the type of its values.
    nodes: Vec<(NodeId, Kind)>,
    /// Monitored items whose sampling is not ours to revise, by subscription and number.
    sampled: Mutex<BTreeSet<(u32, u32)>>,
}

impl InMemoryNodeManagerImplBuilder for SpaceBuilder {
    type Impl = Tags;

    fn build(self, context: ServerContext, space: &mut AddressSpace) -> Tags {
        let uri = uri(&self.plant.name);
        let index = {
            let mut types = context.type_tree.write();
            types.namespaces_mut().add_namespace(&uri)
        };
        space.add_namespace(&uri, index);
        let root = NodeId::new(index, self.plant.name.clone());
        ObjectBuilder::new(
            &root,
            QualifiedName::new(index, self.plant.name.clone()),
            &*self.plant.name,
        )
        .has_type_definition(ObjectTypeId::FolderType)
        .organized_by(ObjectId::ObjectsFolder)
        .insert(space);
        let devices: BTreeSet<&str> = self.plant.tags.iter().map(|tag| &*tag.device).collect();
        for device in devices {
            let id = NodeId::new(index, format!("{}/{device}", self.plant.name));
            ObjectBuilder::new(&id, QualifiedName::new(index, device), device)
                .has_type_definition(ObjectTypeId::BaseObjectType)
                .organized_by(root.clone())
                .insert(space);
        }
        let mut nodes = Vec::new();
        for (place, tag) in (1..).zip(&self.plant.tags) {
            nodes.push((
                add_tag(space, index, &self.plant.name, tag, place),
                tag.kind,
            ));
        }
        Tags {
            namespace: NamespaceMetadata {
                namespace_uri: uri,
                namespace_index: index,
                ..NamespaceMetadata::default()
            },
            nodes,
            sampled: Mutex::default(),
        }
    }
}

/// Adds a tag's variable, and its unit if it has one.
fn add_tag(space: &mut AddressSpace, index: u16, plant: &str, tag: &Tag, place: u32) -> NodeId {
    let device = format!("{plant}/{}", tag.device);
    let id = NodeId::new(index, format!("{device}/{}", tag.name));
    let (data_type, item_type) = match (tag.kind, &*tag.unit) {
        (Kind::Boolean, _) => (DataTypeId::Boolean, VariableTypeId::DataItemType),
        (Kind::Double, "") => (DataTypeId::Double, VariableTypeId::DataItemType),
        (Kind::Double, _) => (DataTypeId::Double, VariableTypeId::AnalogUnitType),
    };
    VariableBuilder::new(&id, QualifiedName::new(index, tag.name.clone()), &*tag.name)
        .description(&*tag.description)
        .data_type(data_type)
        .access_level(AccessLevel::CURRENT_READ)
        .user_access_level(AccessLevel::CURRENT_READ)
        .minimum_sampling_interval(0.0)
        .has_type_definition(item_type)
        .component_of(NodeId::new(index, device))
        .insert(space);
    if let Some(NodeType::Variable(variable)) = space.find_mut(&id) {
        variable.set_data_value(DataValue {
            value: Some(Variant::Empty),
            status: Some(StatusCode::BadWaitingForInitialData),
            ..DataValue::default()
        });
    }
    if item_type == VariableTypeId::AnalogUnitType {
        let unit = unit(&tag.unit, &uri(plant));
        // Numbers, so that no name of a tag can be that of a property.
        VariableBuilder::new(
            &NodeId::new(index, place),
            "EngineeringUnits",
            "EngineeringUnits",
        )
        .data_type(DataTypeId::EUInformation)
        .value(ExtensionObject::from_message(unit))
        .access_level(AccessLevel::CURRENT_READ)
        .user_access_level(AccessLevel::CURRENT_READ)
        .has_type_definition(VariableTypeId::PropertyType)
        .property_of(id.clone())
        .insert(space);
    }
    id
}

/// Shows a sample to everybody who reads or watches its tag.
pub(crate) fn show(space: &Space, watchers: &SubscriptionCache, sample: &Sample) {
    let (id, kind) = &space.inner().nodes[sample.tag];
    let value = data_value(*kind, sample);
    if let Some(NodeType::Variable(variable)) = space.address_space().write().find_mut(id) {
        variable.set_data_value(value.clone());
    }
    let sampled = space.inner().sampled();
    let mut notifier = watchers.data_notifier();
    let Some(mut items) = notifier.notify_for(id, AttributeId::Value) else {
        return;
    };
    for (handle, _) in items.entries() {
        let mut value = value.clone();
        if sampled.contains(&key(*handle)) {
            value.source_timestamp = None;
        }
        items.data_value_to_item(value, handle);
    }
}

/// A sample in the words of OPC UA. Where its status is bad its value is null (OPC 10000-4, 7.11.1), whatever last one
/// the historian knows.
fn data_value(kind: Kind, sample: &Sample) -> DataValue {
    let value = match kind {
        Kind::Boolean => Variant::Boolean(sample.value != 0.0),
        Kind::Double => Variant::Double(sample.value),
    };
    let (status, value) = match sample.quality {
        Quality::Good => (StatusCode::Good, value),
        Quality::Uncertain => (StatusCode::Uncertain, value),
        // A null of its own: the library forgets the status where there is nothing.
        Quality::Bad => (StatusCode::BadNoCommunication, Variant::Empty),
    };
    DataValue {
        value: Some(value),
        status: Some(status),
        source_timestamp: Some(DateTime::from(sample.at)),
        // Not all clients find a server's time stamp behind picoseconds.
        source_picoseconds: None,
        server_timestamp: Some(DateTime::now()),
        server_picoseconds: None,
    }
}

fn key(handle: MonitoredItemHandle) -> (u32, u32) {
    (handle.subscription_id, handle.monitored_item_id)
}

impl Tags {
    fn sampled(&self) -> MutexGuard<'_, BTreeSet<(u32, u32)>> {
        self.sampled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl InMemoryNodeManagerImpl for Tags {
    async fn init(&self, _space: &mut AddressSpace, _context: ServerContext) {}

    fn name(&self) -> &str {
        "plant"
    }

    fn namespaces(&self) -> Vec<NamespaceMetadata> {
        vec![self.namespace.clone()]
    }

    async fn create_value_monitored_items(
        &self,
        context: &RequestContext,
        space: &RwLock<AddressSpace>,
        items: &mut [&mut &mut CreateMonitoredItem],
    ) {
        let asked: Vec<_> = items.iter().map(|item| item.item_to_monitor()).collect();
        let values = self.read_values(context, space, &asked, 0.0, TimestampsToReturn::Both);
        for (mut value, item) in values.await.into_iter().zip(items.iter_mut()) {
            match value.status() {
                // There will never be a value.
                status @ (StatusCode::BadNodeIdUnknown
                | StatusCode::BadAttributeIdInvalid
                | StatusCode::BadNotReadable
                | StatusCode::BadUserAccessDenied) => {
                    item.set_status(status);
                    continue;
                }
                // The library compares values where no filter asks for more, and what has none yet is to differ from
                // what is not known: null in either case.
                StatusCode::BadWaitingForInitialData => value.value = None,
                _ => {}
            }
            item.revise_sampling_interval(NO_INTERVAL_MS);
            if item.sampling_interval() < 0.0 {
                self.sampled().insert(key(item.handle()));
                value.source_timestamp = None;
            }
            item.set_initial_value(value);
            item.set_status(StatusCode::Good);
        }
    }

    /// Says for each write why it is refused.
    async fn write(
        &self,
        context: &RequestContext,
        space: &RwLock<AddressSpace>,
        writes: &mut [&mut WriteNode],
    ) -> Result<(), StatusCode> {
        let mut space = space.write();
        let types = context.type_tree.read();
        for write in writes {
            let checked = space.validate_node_write(context, write.value(), &*types);
            let refusal = checked.err().unwrap_or(StatusCode::BadNotWritable);
            write.set_status(refusal);
        }
        Ok(())
    }

    async fn modify_monitored_items(
        &self,
        _context: &RequestContext,
        items: &[&MonitoredItemUpdateRef],
    ) {
        let mut sampled = self.sampled();
        for item in items {
            if item.update().revised_sampling_interval == 0.0 {
                sampled.remove(&key(item.handle()));
            } else {
                sampled.insert(key(item.handle()));
            }
        }
    }

    async fn delete_monitored_items(&self, _context: &RequestContext, items: &[&MonitoredItemRef]) {
        let mut sampled = self.sampled();
        for item in items {
            sampled.remove(&key(item.handle()));
        }
    }
}
